import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { capacityOf, indexOfMark, markOfIndex } from './mod.ts';
import type { MarkSpace } from './mod.ts';

const word = fc.nat({ max: 2 ** 32 - 1 });
const spaces: fc.Arbitrary<MarkSpace> = fc.record({ mask: word, first: fc.nat(600) });
const indexed = spaces
  .filter((space) => capacityOf(space) > 0)
  .chain((space) => fc.record({ space: fc.constant(space), index: fc.nat(capacityOf(space) - 1) }));

describe('marks of a space', () => {
  it.each([
    { mask: 0x1fff, first: 0x101, index: 0, mark: 0x101 },
    { mask: 0x1fff, first: 0x101, index: 5, mark: 0x106 },
    { mask: 0x1fff, first: 0x101, index: 0x1fff - 0x101, mark: 0x1fff },
    { mask: 0x0f0f0000, first: 1, index: 0, mark: 0x00010000 },
    { mask: 0x0f0f0000, first: 1, index: 14, mark: 0x000f0000 },
    { mask: 0x0f0f0000, first: 1, index: 15, mark: 0x01000000 },
    { mask: 0x80000001, first: 0, index: 0, mark: 1 },
    { mask: 0x80000001, first: 0, index: 2, mark: 0x80000001 },
    { mask: 0xffffffff, first: 1, index: 2 ** 32 - 2, mark: 0xffffffff },
  ])('[INGRESS-18] index $index from $first in the mask $mask is the mark $mark', ({ mask, first, index, mark }) => {
    expect(markOfIndex({ mask, first }, index)).toBe(mark);
    expect(indexOfMark({ mask, first }, mark)).toBe(index);
  });

  it.each([
    { mask: 0x1fff, first: 0x101, capacity: 0x2000 - 0x101 },
    { mask: 0x0f0f0000, first: 1, capacity: 255 },
    { mask: 0x80000001, first: 0, capacity: 3 },
    { mask: 0, first: 0, capacity: 0 },
    { mask: 0xf, first: 40, capacity: 0 },
    { mask: 0xffffffff, first: 1, capacity: 2 ** 32 - 1 },
  ])('[INGRESS-18] the mask $mask from $first has $capacity', ({ mask, first, capacity }) => {
    expect(capacityOf({ mask, first })).toBe(capacity);
    expect(markOfIndex({ mask, first }, capacity)).toBeNull();
  });

  it('knows marks of others', () => {
    const space: MarkSpace = { mask: 0x1fff, first: 0x101 };
    for (const mark of [0, 0x100, 0x4101, 0x2000, 2 ** 32 + 0x101, -1, 257.5]) expect(indexOfMark(space, mark)).toBeNull();
    for (const index of [-1, 0.5, Number.NaN]) expect(markOfIndex(space, index)).toBeNull();
  });

  it('[INGRESS-18] scatters and gathers back, never outside the mask and never 0', () => {
    fc.assert(
      fc.property(indexed, ({ space, index }) => {
        const mark = markOfIndex(space, index) ?? 0;
        expect([mark > 0, mark & ~space.mask, indexOfMark(space, mark)]).toEqual([true, 0, index]);
      }),
    );
  });

  it('[INGRESS-18] gathers any mark of the mask, and scatters it again', () => {
    fc.assert(
      fc.property(spaces, word, (space, bits) => {
        const mark = (bits & space.mask) >>> 0;
        const index = indexOfMark(space, mark);
        expect(index === null ? mark : markOfIndex(space, index)).toBe(mark);
      }),
    );
  });
});

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { capacityOf, indexOfMark } from '../model/mod.ts';
import type { MarkSpace } from '../model/mod.ts';
import { Marks } from './marks.ts';
import { readRecord } from './records.ts';

const space: MarkSpace = { mask: 0x1f, first: 0x11 };
const names = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 15 });

/** The marks of names, each asked for alone; null where there is none. */
function give(marks: Marks, list: readonly string[], now = 0): (number | null)[] {
  return list.map((name) => marks.allocate([name], now)?.get(name)?.mark ?? null);
}

function release(marks: Marks, name: string): number {
  const given = marks.allocate([name], 0)?.get(name);
  const record = given === undefined ? null : readRecord(given.record.text);
  if (record?.kind !== 'mark') throw new Error(`${name} has no mark`);
  marks.release(record.mark, record.digest);
  return record.mark;
}

test('[INGRESS-18] each name has a mark of the mask, with gaps or without, and no other name has it', () => {
  const spaces = fc.constantFrom(space, { mask: 0xf000_0f0f, first: 0x0100 }, { mask: 0x8000_0421, first: 0x1 });
  fc.assert(
    fc.property(spaces, names, (one, list) => {
      const marks = new Marks(one);
      const given = give(marks, list);
      const had = given.filter((mark) => mark !== null);
      expect(new Set(had).size).toBe(had.length);
      expect(had.length).toBe(Math.min(list.length, capacityOf(one)));
      for (const mark of had) {
        expect(indexOfMark(one, mark)).not.toBeNull();
        expect((mark & ~one.mask) >>> 0).toBe(0);
        expect(mark).toBeGreaterThan(0);
      }
      expect(give(marks, list)).toEqual(given);
    }),
  );
});

test('[INGRESS-16] records bring every mark over a restart, in whatever order names are asked for', () => {
  fc.assert(
    fc.property(names, fc.infiniteStream(fc.nat()), (list, dice) => {
      const before = new Marks(space);
      const given = before.allocate(list, 0);
      const after = new Marks(space);
      for (const { record } of given?.values() ?? []) {
        const read = readRecord(record.text);
        if (read?.kind === 'mark') after.adopt(read.mark, read.digest);
      }
      const shuffled = list.map((name) => [dice.next().value, name] as const).toSorted(([a], [b]) => a - b);
      for (const [, name] of shuffled) expect(after.allocate([name], 0)?.get(name)).toEqual(given?.get(name));
    }),
  );
});

describe('marks of others', () => {
  test('[INGRESS-17] are given to nobody: neither those of virtual servers nor those that routing rules go by', () => {
    fc.assert(
      fc.property(names, fc.uniqueArray(fc.integer({ min: 0x11, max: 0x1f })), (list, foreign) => {
        const marks = new Marks(space);
        marks.reserve(new Set(foreign), [{ value: 0x2, mask: 0x3 }]);
        for (const mark of give(marks, list).filter((one) => one !== null)) {
          expect(foreign).not.toContain(mark);
          expect(mark & 0x3).not.toBe(0x2);
        }
      }),
    );
  });

  test('[INGRESS-17] a name whose mark somebody took in the meantime gets another one', () => {
    const marks = new Marks(space);
    const [mark = null] = give(marks, ['a']);
    marks.reserve(new Set([mark ?? 0]), []);
    expect(give(marks, ['a'])).not.toContain(mark);
    expect(marks.recordOf(mark ?? 0)).toBeNull();
  });

  test('marks that IPVS mode has for itself are never given', () => {
    const marks = new Marks({ mask: 0x5700_0003, first: 0x5700_0001 });
    expect(give(marks, ['a', 'b'])).toEqual([null, null]);
  });
});

describe('a mark that was released', () => {
  test('rests until clients are forgotten, and its own name may have it before', () => {
    const tiny: MarkSpace = { mask: 0x3, first: 0x3 };
    const marks = new Marks(tiny);
    expect(give(marks, ['a'])).toEqual([3]);
    marks.rest(3, 5000);
    marks.rest(3, 4000);
    release(marks, 'a');
    expect(marks.hasFree(4999)).toBe(false);
    expect(give(marks, ['b'], 4999)).toEqual([null]);
    expect(give(marks, ['a'], 4999)).toEqual([3]);
    release(marks, 'a');
    expect(marks.hasFree(5000)).toBe(true);
    expect(give(marks, ['b'], 5000)).toEqual([3]);
  });

  test('stays with the name that has got it since', () => {
    const marks = new Marks({ mask: 0x3, first: 0x3 });
    const old = marks.allocate(['a'], 0)?.get('a');
    const record = readRecord(old?.record.text ?? '');
    release(marks, 'a');
    expect(give(marks, ['b'])).toEqual([3]);
    if (record?.kind === 'mark') marks.release(record.mark, record.digest);
    expect(give(marks, ['b', 'c'])).toEqual([3, null]);
  });
});

test('[INGRESS-18] names of one Service get marks together or not at all', () => {
  const marks = new Marks({ mask: 0x7, first: 0x5 });
  expect(marks.allocate(['a', 'b'], 0)?.size).toBe(2);
  expect(marks.allocate(['c', 'd'], 0)).toBeNull();
  expect(marks.allocate(['a', 'c'], 0)?.size).toBe(2);
  expect(marks.hasFree(0)).toBe(false);
});

test('[INGRESS-18] a mark that is not of the mask any more is known as ours, and its name gets another', () => {
  const given = new Marks(space).allocate(['a'], 0)?.get('a');
  const record = readRecord(given?.record.text ?? '');
  if (given === undefined || record?.kind !== 'mark') throw new Error('no mark');
  const marks = new Marks({ mask: 0xff00, first: 0x100 });
  marks.adopt(record.mark, record.digest);
  expect(marks.recordOf(given.mark)).toEqual(given.record);
  const [next = null] = give(marks, ['a']);
  expect((next ?? 0) & 0xff).toBe(0);
  marks.release(record.mark, record.digest);
  expect(give(marks, ['a'])).toEqual([next]);
});

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readAttributes, walkAttributes, writeAttribute, writeAttributes } from './attributes.ts';
import type { Attribute } from './attributes.ts';
import { ByteWriter, alignUp, viewOf } from './bytes.ts';

const { tree } = fc.letrec<{ tree: readonly Attribute[]; leaf: Attribute; branch: Attribute }>((tie) => {
  const type = fc.integer({ min: 0, max: 0x3f_ff });
  const order = fc.constantFrom({}, { networkOrder: true });
  const value = fc.uint8Array({ maxLength: 40 });
  return {
    leaf: fc.record({ type, order, value }).map((made) => ({ type: made.type, ...made.order, value: made.value })),
    branch: fc.record({ type, order, value: tie('tree') }).map((made) => ({ type: made.type, ...made.order, value: made.value })),
    tree: fc.array(fc.oneof({ maxDepth: 4 }, tie('leaf'), tie('branch')), { maxLength: 5 }),
  };
});

function encode(attributes: readonly Attribute[]): Uint8Array {
  const writer = new ByteWriter(1);
  writeAttributes(writer, attributes);
  return writer.finish();
}

const plain = (attributes: readonly Attribute[]): unknown =>
  attributes.map((one) => ({ ...one, value: one.value instanceof Uint8Array ? [...one.value] : plain(one.value) }));

describe('attributes', () => {
  test('what was written is read back, nested and padded', () => {
    fc.assert(
      fc.property(tree, (attributes) => {
        const bytes = encode(attributes);
        expect(bytes.length % 4).toBe(0);
        const read = readAttributes(viewOf(bytes), 0, bytes.length);
        expect(read === null ? null : plain(read)).toEqual(plain(attributes));
      }),
    );
  });

  test('no byte string makes the reader throw, loop or leave its bounds', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const padded = new Uint8Array(bytes.length + 8);
        padded.set(bytes, 4);
        const view = viewOf(padded.subarray(4, 4 + bytes.length));
        const seen: number[] = [];
        walkAttributes(view, 0, bytes.length, (_, start, end) => seen.push(start, end));
        expect(seen).toEqual(seen.toSorted((a, b) => a - b));
        expect(seen.every((at) => at <= bytes.length)).toBe(true);
        readAttributes(view, 0, bytes.length);
      }),
    );
  });

  test('bytes that were cut off are told from a list', () => {
    const bytes = encode([
      { type: 1, value: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) },
      { type: 2, value: Uint8Array.of(9, 9) },
    ]);
    const types: number[] = [];
    const walk = (end: number): boolean => walkAttributes(viewOf(bytes), 0, end, (type) => types.push(type));
    expect(walk(bytes.length)).toBe(true);
    // The last padding may be missing, as libnl and older kernels leave it out.
    expect(walk(bytes.length - 2)).toBe(true);
    types.length = 0;
    expect(walk(bytes.length - 3)).toBe(false);
    expect(types).toEqual([1]);
    expect(walk(2)).toBe(false);
  });

  test('a value too long for its 16-bit length is refused', () => {
    const write = (size: number): void => writeAttribute(new ByteWriter(), 1, (writer) => writer.bytes(new Uint8Array(size)));
    expect(() => write(0xff_ff - 4)).not.toThrow();
    expect(() => write(0xff_ff - 3)).toThrow(/netlink allows 65535/);
  });
});

test('a writer that outgrows its buffer loses nothing', () => {
  const step = fc.oneof(
    fc.record({ as: fc.constant('u8' as const), value: fc.nat(0xff) }),
    fc.record({ as: fc.constantFrom('u16' as const, 'be16' as const), value: fc.nat(0xff_ff) }),
    fc.record({ as: fc.constantFrom('u32' as const, 'be32' as const), value: fc.nat(0xff_ff_ff_ff) }),
  );
  fc.assert(
    fc.property(fc.array(step), fc.boolean(), (steps, align) => {
      const small = new ByteWriter(1);
      const large = new ByteWriter(4096);
      for (const writer of [small, large]) {
        for (const { as, value } of steps) writer[as](value);
        writer.bytes(Uint8Array.of(1, 2, 3));
        if (align) writer.align();
      }
      expect([...small.finish()]).toEqual([...large.finish()]);
      const sizes = { u8: 1, u16: 2, be16: 2, u32: 4, be32: 4 };
      const length = steps.reduce((sum, { as }) => sum + sizes[as], 3);
      expect(small.length).toBe(align ? alignUp(length) : length);
    }),
  );
});

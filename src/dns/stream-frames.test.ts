import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameReader } from './stream-frames.ts';
import { framed } from './stream.fixture.ts';

function readAll(pieces: readonly Uint8Array[]): number[][] {
  const reader = new FrameReader();
  const messages: number[][] = [];
  for (const piece of pieces) {
    reader.push(piece);
    for (let message = reader.next(); message !== null; message = reader.next()) messages.push([...message]);
  }
  return messages;
}

/** The pieces between the given places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

describe('messages in a stream', () => {
  const message = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 500, maxLength: 3000 }));

  test('[DNS-92] are the same wherever the stream was cut, empty ones included', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 8 }), fc.array(fc.nat()), (messages, places) => {
        const stream = Buffer.concat(messages.map(framed));
        expect(readAll(cut(stream, places))).toEqual(messages.map((bytes) => [...bytes]));
      }),
    );
  });

  test('[DNS-92] are the same octet by octet, up to the longest', () => {
    const longest = Uint8Array.from({ length: 65_535 }, (_, index) => index);
    const stream = Buffer.concat([framed(Uint8Array.of(1)), framed(longest), framed(Uint8Array.of(2))]);
    expect(readAll([...stream].map((octet) => Uint8Array.of(octet)))).toEqual([[1], [...longest], [2]]);
  });

  test('may be taken one at a time: what is left waits, and more may come meanwhile', () => {
    const reader = new FrameReader();
    reader.push(Buffer.concat([framed(Uint8Array.of(1)), framed(Uint8Array.of(2, 3)).subarray(0, 3)]));
    expect(reader.next()).toEqual(Buffer.of(1));
    reader.push(Uint8Array.of(3, 0, 1, 4));
    expect(reader.isPartial).toBe(false);
    expect([...(reader.next() ?? [])]).toEqual([2, 3]);
    expect([...(reader.next() ?? [])]).toEqual([4]);
    expect([reader.next(), reader.isPartial]).toEqual([null, false]);
  });

  test('a message that announces more than it sends stays partial', () => {
    const reader = new FrameReader();
    reader.push(Uint8Array.of(0xff));
    expect([reader.next(), reader.isPartial]).toEqual([null, true]);
    reader.push(Uint8Array.of(0xff, 1, 2, 3));
    expect([reader.next(), reader.isPartial]).toEqual([null, true]);
  });
});

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLineSplitter } from './json-lines.ts';

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const size of sizes) {
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return [...pieces, bytes.subarray(at)];
}

test('lines come out the same however the stream is cut, even inside a character', () => {
  const line = fc.string({ unit: 'binary', minLength: 1 }).map((text) => JSON.stringify({ text }));
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.integer({ min: 0, max: 9 })), (lines, sizes) => {
      const splitter = createLineSplitter(10_000);
      const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
      const found: string[] = [];
      for (const piece of cut(bytes, sizes)) {
        const pushed = splitter.push(piece);
        if (!pushed.ok) throw new Error(pushed.problem.message);
        found.push(...pushed.value.map((buffer) => buffer.toString()));
      }
      expect(found).toEqual(lines.map((text) => Buffer.from(text).toString()));
      expect(splitter.pendingBytes()).toBe(0);
    }),
  );
});

test('a line without its end stays pending', () => {
  const splitter = createLineSplitter(100);
  const pushed = splitter.push(Buffer.from('{"a":1}\n\r\n\n{"b"'));
  expect(pushed).toEqual({ ok: true, value: [Buffer.from('{"a":1}')] });
  expect(splitter.pendingBytes()).toBe(4);
});

test.each([
  ['in one piece', ['12345678901\n']],
  ['in many', ['123456', '78901']],
])('a line beyond the limit is refused, %s', (_, chunks) => {
  const splitter = createLineSplitter(10);
  const last = chunks.map((chunk) => splitter.push(Buffer.from(chunk))).at(-1);
  expect(last).toMatchObject({ ok: false, problem: { code: 'WP_KUBE_TOO_LARGE' } });
});

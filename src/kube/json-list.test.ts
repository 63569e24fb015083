import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createListSplitter } from './json-list.ts';
import type { ListPart } from './json-list.ts';

function split(
  text: string,
  pieceBytes: number,
  limit = 1_000_000,
): { parts: ListPart[]; finished: boolean; code: string | null } {
  const splitter = createListSplitter(limit);
  const bytes = Buffer.from(text);
  const parts: ListPart[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const pushed = splitter.push(bytes.subarray(at, at + pieceBytes));
    if (!pushed.ok) return { parts, finished: false, code: pushed.problem.code };
    // Parsed at once, as the buffers belong to the piece.
    parts.push(...pushed.value);
  }
  return { parts, finished: splitter.finished(), code: null };
}

const parse = (part: ListPart): unknown => JSON.parse(part.json.toString());

test('any list gives its items and members, whatever they hold and however it is cut', () => {
  const item = fc.jsonValue({ maxDepth: 4 });
  const members = fc.dictionary(
    fc.string().filter((name) => name !== 'items' && name !== '__proto__'),
    item,
  );
  fc.assert(
    fc.property(
      fc.array(item),
      members,
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(0, 2),
      (items, others, size, indent) => {
        const found = split(JSON.stringify({ ...others, items, tail: { resourceVersion: '7' } }, null, indent), size);
        expect(found.finished).toBe(true);
        expect(found.parts.filter((part) => part.kind === 'item').map(parse)).toEqual(JSON.parse(JSON.stringify(items)));
        const named = found.parts.flatMap((part) => (part.kind === 'member' ? [[part.name, parse(part)]] : []));
        expect(Object.fromEntries(named)).toEqual({ ...JSON.parse(JSON.stringify(others)), tail: { resourceVersion: '7' } });
      },
    ),
  );
});

test.each([
  ['an empty list', '{"items":[],"metadata":{}}', 0],
  ['null items', '{"items":null,"metadata":{}}', 0],
  ['items that are scalars', '{"items":[1 ,"a]}", true]}', 3],
])('%s is a list', (_, text, items) => {
  const found = split(text, 3);
  expect(found).toMatchObject({ finished: true, code: null });
  expect(found.parts.filter((part) => part.kind === 'item')).toHaveLength(items);
});

test.each([
  ['an array', '[1]'],
  ['text', 'upstream connect error'],
  ['no colon', '{"items" []}'],
  ['no comma', '{"items":[{}{}]}'],
  ['a missing value', '{"metadata":,"items":[]}'],
  ['something after the end', '{"items":[]}{}'],
  ['a name that is no JSON', '{"\\x":1}'],
])('%s is refused', (_, text) => {
  expect(split(text, 4).code).toBe('WP_KUBE_NOT_A_LIST');
});

test('a body that ends early is not finished', () => {
  expect(split('{"items":[{"a":1}', 5)).toMatchObject({ finished: false, code: null });
});

test('an item beyond the limit is refused before it is complete', () => {
  expect(split(`{"items":["${'x'.repeat(50)}`, 8, 20).code).toBe('WP_KUBE_TOO_LARGE');
});

import { expect, test } from 'vitest';
import { VersionedTexts } from './versioned-texts.ts';

test('a reader gets what changed since its version, and everything at first', () => {
  const texts = new VersionedTexts();
  texts.replace(
    new Map([
      ['a', '1'],
      ['b', '1'],
    ]),
  );
  expect(texts.since(0)).toEqual([
    ['a', '1'],
    ['b', '1'],
  ]);
  const seen = texts.version;
  texts.replace(
    new Map([
      ['a', '1'],
      ['b', '2'],
      ['c', '1'],
    ]),
  );
  expect(texts.since(seen)).toEqual([
    ['b', '2'],
    ['c', '1'],
  ]);
});

test('what has not changed is no version, and what is gone is told to who knew it', () => {
  const texts = new VersionedTexts();
  texts.replace(
    new Map([
      ['a', '1'],
      ['b', '1'],
    ]),
  );
  texts.replace(
    new Map([
      ['a', '1'],
      ['b', '1'],
    ]),
  );
  expect(texts.version).toBe(1);
  texts.replace(new Map([['a', '1']]));
  expect(texts.since(1)).toEqual([['b', null]]);
  expect(texts.since(0)).toEqual([['a', '1']]);
  texts.clear();
  expect([texts.version, texts.since(0)]).toEqual([0, []]);
});

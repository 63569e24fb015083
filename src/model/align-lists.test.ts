import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { alignLists } from './align-lists.ts';

function differ(held: string, wanted: string): readonly string[] {
  return alignLists([...held], [...wanted]).map(
    (pair) => `${pair.held === null ? '+' : held[pair.held]}${pair.wanted === null ? '-' : wanted[pair.wanted]}`,
  );
}

describe('two lists beside each other', () => {
  test.each([
    ['abc', 'abc', []],
    ['abc', 'ac', ['b-']],
    ['ac', 'abc', ['+b']],
    ['axc', 'abc', ['xb']],
    ['axyc', 'abc', ['xb', 'y-']],
    ['', 'ab', ['+a', '+b']],
    ['ab', '', ['a-', 'b-']],
    ['ba', 'ab', ['b-', '+b']],
    ['aab', 'ab', ['a-']],
  ])('of "%s" and "%s"', (held, wanted, pairs) => {
    expect(differ(held, wanted)).toEqual(pairs);
  });

  test('property: what is not named is equal and in the same order, and nothing is named where all is', () => {
    const texts = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 8 });
    fc.assert(
      fc.property(texts, texts, (held, wanted) => {
        const pairs = alignLists(held, wanted);
        const gone = new Set(pairs.map((pair) => pair.held));
        const come = new Set(pairs.map((pair) => pair.wanted));
        expect(held.filter((_, at) => !gone.has(at))).toEqual(wanted.filter((_, at) => !come.has(at)));
        expect(pairs.length > 0).toBe(held.join() !== wanted.join());
      }),
    );
  });
});

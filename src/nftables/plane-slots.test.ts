import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Address } from '../model/mod.ts';
import { arrangeSlots, sameTarget } from './plane-slots.ts';
import type { Slots, Target } from './plane-slots.ts';

const target = (number: number): Target => ({ address: `10.0.0.${number}` as Address, port: 80 });
const targets = (...numbers: readonly number[]): Target[] => numbers.map(target);
const numbersOf = (slots: Slots): readonly (string | undefined)[] => slots.map((slot) => slot?.address.slice(7));
const changed = (before: Slots, after: Slots): number =>
  Array.from({ length: Math.max(before.length, after.length) }).filter((_, index) => !sameTarget(before[index], after[index]))
    .length;

test('who has a slot keeps it, the last one fills a hole, a new one comes behind', () => {
  expect(numbersOf(arrangeSlots(targets(1, 2, 3, 4), targets(4, 3, 1)))).toEqual(['1', '4', '3']);
  expect(numbersOf(arrangeSlots(targets(1, 2, 3), targets(9, 3, 2, 1)))).toEqual(['1', '2', '3', '9']);
  expect(numbersOf(arrangeSlots([target(1), undefined, target(3)], targets(3, 1)))).toEqual(['1', '3']);
});

const lists = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 12 });

test('property: the slots hold what is wanted, without holes', () => {
  fc.assert(
    fc.property(lists, lists, (before, after) => {
      const arranged = arrangeSlots(targets(...before), targets(...after));
      expect(numbersOf(arranged).toSorted()).toEqual(after.map(String).toSorted());
    }),
  );
});

test('property: one target less changes two slots at most, one more changes one', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 100 }), fc.nat(), (all, pick) => {
      const before = arrangeSlots([], targets(...all));
      const fewer = all.filter((_, index) => index !== pick % all.length);
      const after = arrangeSlots(before, targets(...fewer));
      expect(changed(before, after)).toBeLessThanOrEqual(2);
      expect(changed(after, arrangeSlots(after, targets(...all)))).toBe(1);
    }),
  );
});

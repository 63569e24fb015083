import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { markLayout } from '../model/mod.ts';
import { Numbers } from './numbers.ts';
import { readRecord } from './records.ts';

const names = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 12 });

test('a name keeps its number, no two names share one, and all are in the range of the marks', () => {
  fc.assert(
    fc.property(names, (list) => {
      const numbers = new Numbers(16);
      const first = list.map((name) => numbers.allocate('server', name).number);
      expect(new Set(first).size).toBe(list.length);
      expect(list.map((name) => numbers.allocate('server', name).number)).toEqual(first);
      for (const number of first) {
        expect(number).toBeGreaterThanOrEqual(markLayout.firstNumber);
        expect(number).toBeLessThan(markLayout.firstNumber + 16);
      }
    }),
  );
});

test('records bring every number over a restart, collisions included, in whatever order names are asked for', () => {
  fc.assert(
    fc.property(names, fc.infiniteStream(fc.nat()), (list, dice) => {
      const before = new Numbers(16);
      const given = new Map(list.map((name) => [name, before.allocate('server', name)]));
      const after = new Numbers(16);
      for (const { record } of given.values()) {
        const read = readRecord(record.text);
        if (read?.kind === 'number') after.adopt(read.of, read.number, read.digest);
      }
      const shuffled = list.map((name) => [dice.next().value, name] as const).toSorted(([a], [b]) => a - b);
      for (const [, name] of shuffled) expect(after.allocate('server', name)).toEqual(given.get(name));
    }),
  );
});

test('servers and groups are numbered apart', () => {
  const numbers = new Numbers();
  const [server, group] = [numbers.allocate('server', 'a'), numbers.allocate('group', 'a')];
  expect(server.number).toBe(group.number);
  expect(server.record).not.toEqual(group.record);
});

test('[IPVS-50] a number that an unexplained server has is given to the name that asks for it and to no other, and a released one again', () => {
  const usual = new Numbers(16).allocate('server', 'a').number;
  const next = ((usual - markLayout.firstNumber + 1) % 16) + markLayout.firstNumber;
  const numbers = new Numbers(16);
  numbers.reserve(new Set([usual, next]));
  expect(numbers.allocate('server', 'a').number).toBe(usual);
  numbers.release('server', usual);
  numbers.adopt('server', usual, '0'.repeat(24));
  const other = numbers.allocate('server', 'a').number;
  expect([usual, next]).not.toContain(other);
  numbers.reserve(new Set());
  numbers.release('server', other);
  expect(numbers.recordOf('server', other)).toBeNull();
  expect(numbers.allocate('server', 'a').number).toBe(next);
});

test('a record does not take a number or a name that is taken', () => {
  const numbers = new Numbers(16);
  const { number, record } = numbers.allocate('server', 'a');
  numbers.adopt('server', number, '0'.repeat(24));
  expect(numbers.recordOf('server', number)).toEqual(record);
});

test('more names than numbers is an error, not a loop', () => {
  const numbers = new Numbers(1);
  numbers.allocate('server', 'a');
  expect(() => numbers.allocate('server', 'b')).toThrow(/all 1 numbers/);
});

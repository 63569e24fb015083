import { expect, test } from 'vitest';
import { createEventLimit } from './event-limit.ts';

test('an object may cause 25 events at once and one more every five minutes', () => {
  let now = 0;
  const allows = createEventLimit(() => now);
  const passed = (times: number): number => Array.from({ length: times }, () => allows('a')).filter(Boolean).length;
  expect(passed(40)).toBe(25);
  expect(allows('b')).toBe(true);
  now += 299_999;
  expect(passed(3)).toBe(0);
  now += 1;
  expect(passed(3)).toBe(1);
  now += 100 * 300_000;
  expect(passed(40)).toBe(25);
});

test('remembers the busy objects among very many', () => {
  const allows = createEventLimit(() => 0);
  for (let round = 0; round < 25; round += 1) allows('busy');
  for (let other = 0; other < 4000; other += 1) allows(`other-${other}`);
  expect(allows('busy')).toBe(false);
  for (let other = 0; other < 4096; other += 1) allows(`later-${other}`);
  expect(allows('busy')).toBe(true);
});

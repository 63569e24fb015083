import { expect, test } from 'vitest';
import { createThrottle } from './client-throttle.ts';

test('the same key is admitted once an interval, others are not held back', () => {
  let now = 0;
  const admit = createThrottle(60_000, () => now);
  expect([admit('a'), admit('a'), admit('b')]).toEqual([true, false, true]);
  now = 59_999;
  expect(admit('a')).toBe(false);
  now = 60_000;
  expect([admit('a'), admit('a')]).toEqual([true, false]);
});

test('forgetting old keys does not let a recent one through', () => {
  let now = 0;
  const admit = createThrottle(60_000, () => now);
  for (let key = 0; key < 999; key += 1) admit(`old ${key}`);
  now = 60_000;
  admit('recent');
  admit('one more');
  expect([admit('recent'), admit('old 3')]).toEqual([false, true]);
});

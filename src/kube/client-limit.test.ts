import { expect, test } from 'vitest';
import { createRateLimit } from './client-limit.ts';

test('a burst goes at once, then requests keep the rate', () => {
  let now = 1000;
  const take = createRateLimit(5, 3, () => now);
  expect([take(), take(), take(), take(), take()]).toEqual([0, 0, 0, 200, 400]);
  now += 400;
  expect(take()).toBe(200);
  now += 60_000;
  expect([take(), take(), take(), take()]).toEqual([0, 0, 0, 200]);
});

test('no rate means no limit, and a clock that goes back takes nothing away', () => {
  const free = createRateLimit(0, 0, () => 0);
  expect(Array.from({ length: 50 }, free).every((wait) => wait === 0)).toBe(true);
  let now = 1000;
  const take = createRateLimit(1, 1, () => now);
  take();
  now = 0;
  expect(take()).toBe(1000);
});

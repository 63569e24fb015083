import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffDelay } from './backoff.ts';

const settings = { baseMs: 800, maxMs: 30_000 };

test('delays double up to the largest', () => {
  const delays = [0, 1, 2, 3, 4, 5, 6, 50, 5000].map((attempt) => backoffDelay(attempt, settings, () => 0.5));
  expect(delays).toEqual([800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000]);
});

test('jitter keeps every delay between half and one and a half times the nominal one', () => {
  fc.assert(
    fc.property(fc.nat(100), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, chance) => {
      const nominal = backoffDelay(attempt, settings, () => 0.5);
      const delay = backoffDelay(attempt, settings, () => chance);
      expect(delay).toBeGreaterThanOrEqual(Math.floor(nominal * 0.5));
      expect(delay).toBeLessThanOrEqual(Math.ceil(nominal * 1.5));
    }),
  );
});

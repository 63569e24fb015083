import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { repeatByWeight } from './repeat-by-weight.ts';

function countsOf(weights: readonly number[]): number[] {
  const spread = repeatByWeight(weights.map((weight, value) => ({ value, weight })));
  return weights.map((_, value) => spread.filter((one) => one === value).length);
}

test('small weights are exact and in lowest terms', () => {
  expect(countsOf([1, 1, 1])).toEqual([1, 1, 1]);
  expect(countsOf([2, 4, 0])).toEqual([1, 2, 0]);
  expect(countsOf([3, 5])).toEqual([3, 5]);
});

test('weights of 0 everywhere count as equal, and nothing spreads over nothing', () => {
  expect(countsOf([0, 0])).toEqual([1, 1]);
  expect(repeatByWeight([])).toEqual([]);
});

test('whatever the weights, the list is short, everybody with a weight is in it, and shares are near', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(65_535), { minLength: 1, maxLength: 40 }), (weights) => {
      fc.pre(weights.some((weight) => weight > 0));
      const counts = countsOf(weights);
      const total = counts.reduce((sum, count) => sum + count, 0);
      const whole = weights.reduce((sum, weight) => sum + weight, 0);
      expect(total).toBeLessThanOrEqual(512 + weights.length);
      for (const [at, weight] of weights.entries()) {
        expect((counts[at] ?? 0) > 0).toBe(weight > 0);
        expect(Math.abs((counts[at] ?? 0) / total - weight / whole)).toBeLessThan(0.1);
      }
    }),
  );
});

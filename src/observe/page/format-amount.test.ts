import { expect, test } from 'vitest';
import { formatAmount } from './format-amount.ts';

test.each([
  [null, '-'],
  [0, '0'],
  [0.04, '0'],
  [0.05, '0.1'],
  [2, '2'],
  [9.96, '10'],
  [12.54, '12.5'],
  [99.96, '100'],
  [812.4, '812'],
  [999.4, '999'],
  [999.6, '1k'],
  [1234, '1.23k'],
  [99_960, '100k'],
  [3_421_000, '3.42M'],
  [1_000_000_000, '1G'],
  [2.5e18, '2500P'],
])('%s a second is %s', (amount, text) => {
  expect(formatAmount(amount)).toBe(text);
});

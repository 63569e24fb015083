import { expect, test } from 'vitest';
import { formatCount, formatNumberOf, formatPlace, formatRate, formatShare } from './format.ts';

test.each([
  [0, '0'],
  [999, '999'],
  [1000, '1\u2009000'],
  [1_234_567, '1\u2009234\u2009567'],
])('the count %d is %s', (count, text) => {
  expect(formatCount(count)).toBe(text);
});

test('a rate has its sign, and none is no text', () => {
  expect([0, 0.04, 2.5, -12].map(formatRate)).toEqual(['', '', '+2.5/s', '\u221212.0/s']);
});

test('shares, numbers of things and places', () => {
  expect([1, 0.5, 1 / 3, 0].map(formatShare)).toEqual(['100 %', '50 %', '33.3 %', '0 %']);
  expect([formatNumberOf(1, 'endpoint'), formatNumberOf(0, 'endpoint')]).toEqual(['1 endpoint', '0 endpoints']);
  expect([formatPlace('10.0.0.1', 80), formatPlace('fd00::1', 80)]).toEqual(['10.0.0.1:80', '[fd00::1]:80']);
});

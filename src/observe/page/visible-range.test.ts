import { expect, test } from 'vitest';
import { findVisible, scrollTarget, stepTo } from './visible-range.ts';

const viewport = { top: 3000, height: 300, rowHeight: 30 };

test('what is in sight, and a few lines more', () => {
  expect(findVisible(viewport, 10_000)).toEqual({ from: 92, to: 118 });
  expect(findVisible({ ...viewport, top: 0 }, 3)).toEqual({ from: 0, to: 3 });
  // A search left fewer than the browser has scrolled past yet.
  expect(findVisible(viewport, 5)).toEqual({ from: 5, to: 5 });
});

test('scrolls no further than it must', () => {
  expect(scrollTarget(viewport, 105)).toBeNull();
  expect(scrollTarget(viewport, 99)).toBe(2970);
  expect(scrollTarget(viewport, 110)).toBe(3030);
});

test.each([
  ['ArrowDown', -1, 0],
  ['ArrowDown', 9, 9],
  ['ArrowUp', 0, 0],
  ['PageDown', 2, 6],
  ['PageUp', 2, 0],
  ['Home', 7, 0],
  ['End', 7, 9],
  ['a', 7, null],
])('%s leads from %d to %s', (key, index, target) => {
  expect(stepTo(key, index, 10, 4)).toBe(target);
});

test('an empty list leads nowhere', () => {
  expect(stepTo('ArrowDown', -1, 0, 4)).toBeNull();
});

import { expect, test } from 'vitest';
import { openPlace } from './driver-top.ts';

test('there is a screen only on a terminal', () => {
  expect(openPlace({ stdout: {}, env: {} }).screen).toBeNull();
  expect(openPlace({ stdout: { isTTY: false }, env: {} }).screen).toBeNull();
  expect(openPlace({ stdout: { isTTY: true, rows: 50 }, env: {} }).screen?.rows()).toBe(50);
  expect(openPlace({ stdout: { isTTY: true, rows: 0 }, env: {} }).screen?.rows()).toBe(24);
});

test.each([
  [{}, true],
  [{ NO_COLOR: '' }, true],
  [{ NO_COLOR: '1' }, false],
])('colours with %j: %s', (env, color) => {
  expect(openPlace({ stdout: { isTTY: true }, env }).screen?.color).toBe(color);
});

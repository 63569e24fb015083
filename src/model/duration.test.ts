import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';

describe('parseDuration', () => {
  test.each([
    ['0', 0],
    ['0s', 0],
    ['30s', 30_000],
    ['1h2m3s', 3_723_000],
    ['500ms', 500],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['1.s', 1000],
    ['-2m', -120_000],
    ['+2m', 120_000],
    ['3us', 0.003],
    ['3µs', 0.003],
    ['3μs', 0.003],
    ['7ns', 0.000007],
  ])('reads %s as %d ms', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  test.each(['', '1', '1d', '1 s', 's', '.s', '--1s', '1s-2s', 'abc', '1e3s', '3000000h', '1S'])('refuses "%s"', (text) => {
    expect(parseDuration(text)).toBeNull();
  });
});

describe('formatDuration', () => {
  test.each([
    [0, '0s'],
    [86_400_000, '24h0m0s'],
    [90_000, '1m30s'],
    [1500, '1.5s'],
    [500, '500ms'],
    [0.0015, '1.5µs'],
    [0.000007, '7ns'],
    [-1000, '-1s'],
    [3_600_000, '1h0m0s'],
  ])('prints %d ms as Go does: %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });

  test('is read back to the same value, to the nanosecond', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 50), max: 2 ** 50 }), (nanoseconds) => {
        const milliseconds = nanoseconds / 1e6;
        expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds);
      }),
      { numRuns: 2000 },
    );
  });
});

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatTime } from './format-time.ts';
import { formatAge } from './page/format-age.ts';
import { formatTable } from './table.ts';
import { showControls, textWidth } from './text-width.ts';

test('columns are aligned, without blanks at the ends', () => {
  const columns = [{ title: 'NAME' }, { title: 'COUNT', align: 'right' as const }, { title: 'REASON' }];
  const rows = [
    ['default/web', '3', ''],
    ['a/b', '12345678', 'no such chain'],
  ];
  expect(formatTable(columns, rows)).toBe(
    ['NAME            COUNT  REASON', 'default/web         3', 'a/b          12345678  no such chain', ''].join('\n'),
  );
});

test.each([
  ['', 0],
  ['abc', 3],
  ['grüß', 4],
  ['u\u0308', 1],
  ['日本', 4],
  ['한글', 4],
  ['ﾊﾝ', 2],
  ['ＡＢ', 4],
  ['🚀', 2],
  ['👩‍👩‍👧', 2],
  ['✓', 1],
  ['❤️', 2],
])('%s takes %d columns', (text, width) => {
  expect(textWidth(text)).toBe(width);
});

test('wide characters keep the next column in line', () => {
  const lines = formatTable(
    [{ title: 'A' }, { title: 'B' }],
    [
      ['日本', 'x'],
      ['abcde', 'y'],
    ],
  ).split('\n');
  expect(lines).toEqual(['A      B', '日本   x', 'abcde  y', '']);
});

test('control characters cannot reach the terminal', () => {
  expect(showControls('a\u001b[31mb\u0007\u202e\n')).toBe(String.raw`a\u{1b}[31mb\u{7}\u{202e}\u{a}`);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const table = formatTable([{ title: 'X' }], [[text]]);
      expect(table.split('\n')).toHaveLength(3);
      expect(/[\p{Cc}\p{Cf}]/u.test(table.replaceAll('\n', ''))).toBe(false);
    }),
  );
});

test.each([
  [0, '1970-01-01T00:00:00Z'],
  [1500, '1970-01-01T00:00:01.5Z'],
  [10_000, '1970-01-01T00:00:10Z'],
  [1, '1970-01-01T00:00:00.001Z'],
  [null, '0001-01-01T00:00:00Z'],
])('the time %s is %s', (time, text) => {
  expect(formatTime(time)).toBe(text);
});

test.each([
  [-5, '0s'],
  [999, '0s'],
  [59_999, '59s'],
  [60_000, '1m'],
  [125_000, '2m5s'],
  [3_600_000, '1h'],
  [11_040_000, '3h4m'],
  [86_400_000 * 5 + 3_600_000 * 3, '5d3h'],
])('%d ms ago is %s', (milliseconds, text) => {
  expect(formatAge(milliseconds)).toBe(text);
});

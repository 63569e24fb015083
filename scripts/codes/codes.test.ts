import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { collectCodes, findCodes } from './collect-codes.ts';
import { findCodeGaps } from './find-code-gaps.ts';
import { renderCodes } from './render-codes.ts';
import { rooms } from './rooms.ts';
import type { Room } from './rooms.ts';

describe('the codes of this repository', () => {
  const found = collectCodes('src');

  test('each has an entry, and each entry has a code', () => {
    expect(found.codes.length).toBeGreaterThan(200);
    expect(findCodeGaps(found, rooms)).toEqual([]);
  });

  test('docs/codes.md is what scripts/codes.ts writes now', () => {
    const hint = 'run node_modules/node/bin/node scripts/codes.ts';
    expect([hint, readFileSync('docs/codes.md', 'utf8')]).toEqual([hint, renderCodes(rooms)]);
  });
});

test('codes are strings; types, prefixes and comments are none', () => {
  const text = [
    "fail('WP_A_ONE', `'WP_A_ONE' again`);",
    'const code = `WP_A_TWO`;',
    'readonly code: `WP_A_${string}`;',
    "problem.code.startsWith('WP_A_');",
    "// fails with 'WP_A_THREE'",
    ' * or `WP_A_FOUR`',
    "message: 'look for WP_A_FIVE'",
  ].join('\n');
  expect(findCodes(text)).toEqual({ codes: ['WP_A_ONE', 'WP_A_TWO'], built: [] });
});

test.each(['`WP_A_${name}`', "'WP_A_' + name"])('a code that is put together is found: %s', (text) => {
  expect(findCodes(`code: ${text};`).built).toHaveLength(1);
});

describe('gaps', () => {
  const room: Room = { title: 'A', prefix: 'WP_A_', codes: { WP_A_ONE: ['warning', 'it is so', 'nothing'] } };
  const found = { codes: ['WP_A_ONE'], built: [] };

  test.each([
    ['nothing', found, [room], /^$/],
    ['a code without an entry', { ...found, codes: ['WP_A_ONE', 'WP_A_TWO'] }, [room], /^WP_A_TWO has no entry/],
    ['an entry without a code', { ...found, codes: [] }, [room], /^WP_A_ONE has an entry.*no such code/],
    ['an entry in another room', found, [{ ...room, prefix: 'WP_B_' }], /^WP_A_ONE stands under "A"/],
    [
      'an entry beside the room that fits it better',
      found,
      [room, { title: 'Ones', prefix: 'WP_A_ONE', codes: {} } as unknown as Room],
      /^WP_A_ONE stands under "A"/,
    ],
    ['an empty text', found, [{ ...room, codes: { WP_A_ONE: ['warning', 'so', ''] } } as Room], /^WP_A_ONE has a text/],
    ['a code put together', { ...found, built: ['`WP_A_${x}`'] }, [room], /puts a code together/],
  ] as const)('it finds %s', (_, codes, given, problem) => {
    expect(findCodeGaps(codes, given).join('\n')).toMatch(problem);
  });

  test('the page has a row for each code of a room', () => {
    expect(renderCodes([room])).toContain(
      '## A\n\n| Code | Means | To do | Level |\n|---|---|---|---|\n| `WP_A_ONE` | it is so | nothing | warning |\n',
    );
  });
});

import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { rows } from './fields.ts';

const reference = new URL('../../docs/reference.md', import.meta.url);

test('the reference page has every field with its flag and what it is for', async () => {
  const page = await readFile(reference, 'utf8');
  const lines = page.split('\n');
  const missing = rows.filter(({ path, flag, help }) => {
    const flagText = flag === null ? '' : `\`--${flag.name}\``;
    return !lines.some((line) => line.startsWith(`| \`${path}\` | ${flagText} |`) && line.endsWith(` | ${help} |`));
  });
  expect(missing.map(({ path }) => path)).toEqual([]);
});

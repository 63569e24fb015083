import { globSync, readFileSync } from 'node:fs';
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

test('the reference page has every code and every metric of the resolver, and no other', async () => {
  const page = await readFile(reference, 'utf8');
  const files = globSync('src/{dns,cli}/**/*.ts').filter((file) => !/\.(test|fixture)\.ts$/.test(file));
  const sources = files.map((file) => readFileSync(file, 'utf8')).join('\n');
  const collect = (text: string, pattern: RegExp): readonly string[] => [...new Set(text.match(pattern))].toSorted();
  const codes = collect(sources, /\bWP_DNS_[A-Z_]+\b/g);
  expect(codes.length).toBeGreaterThan(20);
  expect(collect(page, /\bWP_DNS_[A-Z_]+\b/g)).toEqual(codes);
  const metrics = collect(sources, /(?<=')(?:coredns|waypost_dns)_[a-z_]+(?=')/g);
  // Made of a prefix and the names that requests to the API server have everywhere.
  const asked = metrics.filter((name) => name !== 'coredns_kubernetes_');
  expect(asked.length).toBeGreaterThan(20);
  expect(collect(page, /\b(?:coredns|waypost_dns)_[a-z_]+\b/g).filter((name) => !name.includes('_rest_client_'))).toEqual(
    asked.filter((name) => !name.includes('_rest_client_')),
  );
});

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waypost-install-'));
  mkdirSync(join(folder, 'node_modules'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const a = { version: '1.0.0', integrity: 'sha512-a' };

/** Exit code and words for a lock file and what npm noted of the installation; null for a file that is not there. */
function compare(wanted: object | null, installed: object | null): { readonly code: number | null; readonly words: string } {
  if (wanted !== null) writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ packages: { '': {}, ...wanted } }));
  if (installed !== null) writeFileSync(join(folder, 'node_modules/.package-lock.json'), JSON.stringify({ packages: installed }));
  const { status, stdout } = spawnSync(process.execPath, ['scripts/compare-install.mjs', folder], { encoding: 'utf8' });
  return { code: status, words: stdout };
}

describe('comparison of the installation with the lock file', () => {
  it('is content with the same packages, platform packages left out', () => {
    const wanted = {
      'node_modules/a': a,
      'node_modules/a-darwin': { ...a, optional: true },
      'node_modules/b': { ...a, devOptional: true },
    };
    expect(compare(wanted, { 'node_modules/a': a })).toEqual({ code: 0, words: '' });
  });

  it.each([
    ['nothing installed', { 'node_modules/a': a }, null, 'node_modules is not there or not complete'],
    ['no lock file', null, { 'node_modules/a': a }, 'package-lock.json is not there'],
    ['a package missing', { 'node_modules/a': a }, {}, 'node_modules/a is not installed'],
    ['another version', { 'node_modules/a': a }, { 'node_modules/a': { ...a, version: '2.0.0' } }, 'another content or version'],
    [
      'another content',
      { 'node_modules/a': a },
      { 'node_modules/a': { ...a, integrity: 'sha512-b' } },
      'another content or version',
    ],
    ['a package too many', {}, { 'node_modules/a': a }, 'does not know it'],
  ])('sees %s', (_, wanted, installed, words) => {
    expect(compare(wanted, installed)).toEqual({ code: 1, words: expect.stringContaining(words) });
  });
});

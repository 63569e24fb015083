import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runChild } from './run-child.ts';
import type { Tally } from './tally.ts';
import { tallyPathVariable } from './vitest-reporter.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waypost-reporter-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a second vitest on one file and returns what our reporter wrote. */
async function tallyOf(text: string, ...args: readonly string[]): Promise<Tally> {
  writeFileSync(join(folder, 'sample.test.js'), text);
  const tallyPath = join(folder, 'tally.json');
  const argv = ['run', '--globals', '--reporter=default', '--reporter', resolve('scripts/checks/vitest-reporter.ts')];
  const end = await runChild([resolve('node_modules/vitest/vitest.mjs'), ...argv, '--root', folder, ...args], {
    env: { ...process.env, [tallyPathVariable]: tallyPath },
    timeLimit: 60_000,
    capture: true,
    signal: new AbortController().signal,
  });
  if (!existsSync(tallyPath)) throw new Error(end.output);
  return JSON.parse(readFileSync(tallyPath, 'utf8')) as Tally;
}

const mixture = `
test('good', () => {});
test('bad', () => { throw new Error('no'); });
test('left out', (context) => context.skip('needs root'));
test.skip('silent', () => {});
describe.skip('packets [skipped: no namespaces]', () => { test('inner', () => {}); });
describe('broken', () => {
  afterAll(() => { throw new Error('cannot tidy up'); });
  test('fine itself', () => {});
});
`;

describe('tally of a run', () => {
  it('counts tests, keeps reasons, and fails what broke outside tests or was skipped in silence', async () => {
    expect(await tallyOf(mixture)).toEqual({
      passed: 2,
      failures: [
        'sample.test.js > broken: cannot tidy up',
        'sample.test.js > bad',
        expect.stringMatching(/^sample\.test\.js > silent \(skipped without a reason/),
      ],
      skips: [
        { name: 'sample.test.js > left out', reason: 'needs root' },
        { name: 'sample.test.js > packets > inner', reason: 'no namespaces' },
      ],
    });
  });

  it('says nothing of tests that were not selected by name', async () => {
    expect(await tallyOf(mixture, '-t', 'good')).toEqual({ passed: 1, failures: [], skips: expect.any(Array) });
  });

  it('fails a file that cannot be loaded', async () => {
    expect(await tallyOf("import './nowhere.js';")).toEqual({
      passed: 0,
      failures: [expect.stringContaining('sample.test.js: ')],
      skips: [],
    });
  });
});

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { listPageFiles } from '../../src/observe/driver-page-files.ts';
import { runChild } from '../../src/cli/run-child.fixture.ts';
import { buildBundle } from './build-bundle.ts';

const root = process.cwd();
// Within the repository: koffi is found from there.
const scratch = mkdtempSync(join(root, 'node_modules', '.bundle-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('the bundle', () => {
  test('is the same when it is made again, and a program that runs', async () => {
    const [one, two] = [join(scratch, 'one'), join(scratch, 'two')];
    const first = await buildBundle(root, one);
    const second = await buildBundle(root, two);
    const contents = (files: typeof first): readonly (readonly [string, string])[] =>
      files.map(({ path }) => [basename(path), readFileSync(path, 'utf8')]);
    expect(contents(second)).toEqual(contents(first));
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };
    expect(await runChild(join(one, 'bin', 'waypost'), ['version'])).toEqual({ code: 0, out: `waypost ${version}\n`, err: '' });
  });

  test('has the status page beside it, with one script that asks for no other', async () => {
    const files = await buildBundle(root, join(scratch, 'page'));
    const folder = join(scratch, 'page', 'lib', 'agent', 'page');
    expect(listPageFiles(pathToFileURL(`${folder}/`)).map(({ path }) => path)).toEqual([
      'browser/main.js',
      'index.html',
      'style.css',
    ]);
    expect(files.map(({ path }) => path)).toEqual(
      expect.arrayContaining([join(folder, 'index.html'), join(folder, 'style.css')]),
    );
    expect(readFileSync(join(folder, 'browser/main.js'), 'utf8')).not.toMatch(/^import /m);
  });

  test('starts its other programs under the names that they have in it', async () => {
    const files = await buildBundle(root, join(scratch, 'names'));
    const names = files.map(({ path }) => basename(path));
    const started = files.flatMap(({ path }) =>
      [...readFileSync(path, 'utf8').matchAll(/new URL\(["']([\w.-]+)["'], import\.meta\.url\)/g)].map(([, name]) => name),
    );
    expect(started.toSorted()).toEqual(['driver-probe-helper.js', 'driver-worker.js']);
    expect(names).toEqual(expect.arrayContaining(started));
  });
});

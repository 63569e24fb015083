import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTemporaryFolder } from '../../test/lab/mod.ts';
import type { TemporaryFolder } from '../../test/lab/mod.ts';
import { makeBundle } from './make-bundle.ts';

const environment = { PATH: `${join(process.execPath, '..')}:${process.env['PATH']}` };

describe('the bundle', () => {
  let scratch: TemporaryFolder;
  let first: string;

  beforeAll(async () => {
    // Outside of the checkout, so that nothing of its node_modules is found.
    scratch = await createTemporaryFolder('waypost-bundle-');
    first = join(scratch.path, 'first');
    await makeBundle(first);
  });
  afterAll(() => scratch[Symbol.asyncDispose]());

  it('gives the same octets each time', async () => {
    const second = join(scratch.path, 'second');
    await makeBundle(second);
    const names = (await readdir(first, { recursive: true })).toSorted();
    expect((await readdir(second, { recursive: true })).toSorted()).toEqual(names);
    const scripts = names.filter((name) => name.endsWith('.js'));
    expect(scripts.length).toBeGreaterThan(10);
    for (const name of scripts) expect(await readFile(join(second, name)), name).toEqual(await readFile(join(first, name)));
  });

  it('says its version and explains itself by its launcher', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
    const launcher = join(first, 'bin/waypost');
    expect(execFileSync(launcher, ['version'], { env: environment, encoding: 'utf8' })).toBe(`waypost ${version}\n`);
    const help = execFileSync(launcher, ['run', '--help'], { env: environment, encoding: 'utf8' });
    expect(help).toContain('--proxy-mode');
  });

  it('brings the process that runs programs of health checks', async () => {
    const helper = spawn('node', [join(first, 'driver-probe-helper.js')], {
      env: environment,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    helper.stdin.write(`${JSON.stringify({ id: 7, kind: 'run', path: '/bin/sh', words: ['-c', 'echo fine'] })}\n`);
    // The end of its input is its own end, so that comes after the answer.
    const [line] = (await once(createInterface({ input: helper.stdout }), 'line')) as [string];
    helper.stdin.end();
    expect(JSON.parse(line)).toEqual({ id: 7, kind: 'exit', code: 0, output: 'fine\n' });
    await once(helper, 'exit');
  });

  it('loads koffi, and starts the thread of the resolver as far as its missing data', async () => {
    const script = join(first, 'load.mjs');
    await writeFile(
      script,
      `import { Worker } from 'node:worker_threads';
      const { default: koffi } = await import('koffi');
      console.log(typeof koffi.load('libc.so.6').func('int getpid()')());
      new Worker('${join(first, 'driver-worker.js')}', { workerData: null }).on('error', (error) => console.log(error.stack));`,
    );
    const stdout = execFileSync('node', [script], { env: environment, encoding: 'utf8' });
    expect(stdout).toMatch(/^number\n/);
    expect(stdout).toContain('WorkerProgram');
  });
});

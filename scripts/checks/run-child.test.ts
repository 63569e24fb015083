import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { runChild } from './run-child.ts';

const idle = new AbortController().signal;

function options(signal: AbortSignal, timeLimit = 60_000) {
  return { env: process.env, timeLimit, capture: true, signal };
}

/** Whether a process runs; a zombie does not. */
function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

const idler = 'setInterval(() => {}, 1000)';

/** Starts a child of its own, notes its id in the file that its argument names, and waits. */
const parent = `
const { spawn } = require('node:child_process');
const { renameSync, writeFileSync } = require('node:fs');
const [path] = process.argv.slice(1);
const child = spawn(process.execPath, ['-e', '${idler}'], { stdio: 'inherit' });
child.on('spawn', () => {
  writeFileSync(path + '.new', String(child.pid));
  renameSync(path + '.new', path);
});
${idler};
`;

/** Takes a moment to end when asked to. */
const tidy = `
process.on('SIGTERM', () => setTimeout(() => { console.error('tidied up'); process.exit(); }, 300));
${idler};
console.log('ready');
`;

/** Ends as soon as its child is ready and leaves it behind. */
const leaver = `
const { spawn } = require('node:child_process');
const child = spawn(process.execPath, ['-e', ${JSON.stringify(tidy)}], { stdio: ['ignore', 'pipe', 'inherit'] });
child.stdout.once('data', () => process.exit());
`;

describe('a child process', () => {
  it('gives its exit code and both of its outputs, and has no input', async () => {
    const script =
      "process.stdin.on('data', () => {}).on('end', () => { console.log('out'); console.error('err'); process.exitCode = 3; })";
    const end = await runChild(['-e', script], options(idle));
    expect(end).toEqual({ code: 3, output: expect.stringMatching(/out\n[^]*err\n|err\n[^]*out\n/), stopped: null });
  });

  it('is ended with all that it started when the run is', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'waypost-child-'));
    try {
      const path = join(folder, 'pid');
      const abort = new AbortController();
      const running = runChild(['-e', parent, path], options(abort.signal));
      await vi.waitFor(() => expect(existsSync(path)).toBe(true), { timeout: 15_000 });
      abort.abort('SIGINT received');
      expect((await running).stopped).toBe('SIGINT received');
      expect(isRunning(Number(readFileSync(path, 'utf8')))).toBe(false);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('is ended when its time is over', async () => {
    expect((await runChild(['-e', idler], options(idle, 100))).stopped).toBe('took longer than 0.1 s');
  });

  it('is ended at once when the run was over before', async () => {
    expect((await runChild(['-e', idler], options(AbortSignal.abort('SIGTERM received')))).stopped).toBe('SIGTERM received');
  });

  it('waits for what it left behind to tidy up', async () => {
    const end = await runChild(['-e', leaver], options(idle));
    expect(end).toEqual({ code: 0, output: 'tidied up\n', stopped: null });
  });
});

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { createShell } from './driver-shell.ts';
import type { Shell, ShellCommand } from './driver-shell.ts';

const shells: Shell[] = [];

function open(): Shell {
  const shell = createShell();
  shells.push(shell);
  return shell;
}

afterEach(async () => {
  for (const shell of shells.splice(0)) await shell.close();
});

function command(argv: readonly string[], change: Partial<ShellCommand> = {}): ShellCommand {
  return { argv, input: null, timeoutSeconds: 20, maxOutputBytes: 1_000_000, ...change };
}

/** The directory in which commands of this shell run. */
async function directoryOf(shell: Shell): Promise<string> {
  const result = await shell.run(command(['pwd']));
  return result.kind === 'exit' ? result.stdout.trim() : '';
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!condition() && Date.now() < deadline) await new Promise((resolve) => setImmediate(resolve));
}

describe('the resident shell', () => {
  test('hands over input, words, output and status as they are', async () => {
    const shell = open();
    const words = ['a b', "it's", '$HOME `x` "q" \\ *', '', 'ä'];
    const printed = await shell.run(command(['printf', '<%s>', ...words]));
    expect(printed).toMatchObject({ kind: 'exit', status: 0, stdout: words.map((word) => `<${word}>`).join('') });
    const copied = await shell.run(command(['cat'], { input: ['one\n', 'twö\n'] }));
    expect(copied).toMatchObject({ kind: 'exit', stdout: 'one\ntwö\n', inputBytes: 9 });
    const failed = await shell.run(command(['sh', '-c', 'echo oops >&2; exit 3']));
    expect(failed).toEqual({ kind: 'exit', status: 3, stdout: '', stderr: 'oops\n', inputBytes: 0 });
    expect(await shell.run(command(['cat']))).toMatchObject({ stdout: '' });
  });

  test('runs commands one after another, in order', async () => {
    const shell = open();
    const results = await Promise.all(['1', '2', '3'].map((word) => shell.run(command(['echo', word]))));
    expect(results.map((one) => (one.kind === 'exit' ? one.stdout : one.kind))).toEqual(['1\n', '2\n', '3\n']);
  });

  test('says 127 for a program that is not there', async () => {
    expect(await open().run(command(['/nonexistent/program']))).toMatchObject({ kind: 'exit', status: 127 });
  });

  test('kills what takes too long and goes on', async () => {
    const shell = open();
    const home = await directoryOf(shell);
    expect((await shell.run(command(['sleep', '60'], { timeoutSeconds: 0.2 }))).kind).toBe('timeout');
    expect(await directoryOf(shell)).toBe(home);
  });

  test('stops what prints too much and goes on', async () => {
    const shell = open();
    expect((await shell.run(command(['head', '-c', '5000', '/dev/zero'], { maxOutputBytes: 4999 }))).kind).toBe('too-big');
    expect((await shell.run(command(['cat', '/dev/zero'], { maxOutputBytes: 5000 }))).kind).toBe('too-big');
    expect((await shell.run(command(['head', '-c', '5000', '/dev/zero'], { maxOutputBytes: 5000 }))).kind).toBe('exit');
  });

  test('keeps its files to itself and takes them along', async () => {
    const shell = open();
    const home = await directoryOf(shell);
    expect(execFileSync('stat', ['-c', '%a', home], { encoding: 'utf8' })).toBe('700\n');
    await shell.close();
    expect(existsSync(home)).toBe(false);
    expect((await shell.run(command(['true']))).kind).toBe('broken');
  });

  test('starts again after it was killed, leaving nothing of the old one', async () => {
    const shell = open();
    const home = await directoryOf(shell);
    const killed = await shell.run(command(['sh', '-c', 'kill -9 $PPID']));
    expect(killed.kind).toBe('broken');
    const next = await directoryOf(shell);
    expect(next).not.toBe('');
    expect(next).not.toBe(home);
    expect(existsSync(home)).toBe(false);
  });

  test('starts again when its directory was taken away', async () => {
    const shell = open();
    execFileSync('rm', ['-rf', await directoryOf(shell)]);
    expect((await shell.run(command(['true']))).kind).toBe('broken');
    expect(await shell.run(command(['echo', 'back']))).toMatchObject({ kind: 'exit', stdout: 'back\n' });
  });

  test('ends, files and all, when the agent is killed', async () => {
    const source = `
      import { createShell } from ${JSON.stringify(new URL('driver-shell.ts', import.meta.url).href)};
      const shell = createShell();
      const result = await shell.run({ argv: ['sh', '-c', 'echo $PPID $PWD'], input: null, timeoutSeconds: 20, maxOutputBytes: 999 });
      console.log(result.stdout);
      setInterval(() => {}, 1000);`;
    const agent = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [pid, home = ''] = await new Promise<string[]>((resolve) => {
      agent.stdout.once('data', (data: Buffer) => resolve(String(data).trim().split(' ')));
    });
    expect(readdirSync(home)).toContain('out');
    const status = `/proc/${pid}/status`;
    expect(readFileSync(status, 'utf8')).toContain('Name:');
    agent.kill('SIGKILL');
    await until(() => !existsSync(home) && !isRunning(status));
    expect(existsSync(home)).toBe(false);
    expect(isRunning(status)).toBe(false);
  });
});

/** A process that ended but was not collected by the machine's first process counts as ended. */
function isRunning(status: string): boolean {
  try {
    return !readFileSync(status, 'utf8').includes('State:\tZ');
  } catch {
    return false;
  }
}

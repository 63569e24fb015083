import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { canMakeNamespaces } from './capability.ts';
import { describeWhere } from './describe-lab.ts';
import { isRunning, listNamespaces, ownerOf } from './driver-netns.ts';
import { createLab } from './lab.ts';
import { pollUntil } from './poll.ts';

const labModule = fileURLToPath(new URL('lab.ts', import.meta.url));

interface Child {
  readonly process: ChildProcess;
  readonly sleeper: number;
  readonly exited: Promise<string | number | null>;
}

/** A process of its own that builds a lab with something running in it and then does `then`. */
async function startOwner(then: string): Promise<Child> {
  const script = `
    import { createLab } from ${JSON.stringify(labModule)};
    const lab = await createLab({ podsOnNode1: ['a'], podsOnNode2: [] });
    const sleeper = lab.node1.spawn('sleep', ['1000']);
    console.log(sleeper.pid);
    ${then}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'ignore'] });
  const exited = new Promise<string | number | null>((resolve) => child.on('exit', (code, signal) => resolve(signal ?? code)));
  const sleeper = await new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(Number(line)));
    child.once('exit', () => reject(new Error('it ended before its lab stood')));
  });
  return { process: child, sleeper, exited };
}

function namespacesOf(child: Child): string[] {
  return listNamespaces().filter((name) => ownerOf(name) === child.process.pid);
}

/** A killed process may take a moment to go. */
async function waitEnded(pid: number): Promise<void> {
  await pollUntil(`process ${pid} to end`, async () => (isRunning(pid) ? null : true), { timeoutMs: 3000 });
}

describeWhere(await canMakeNamespaces(), 'a lab does not outlive its process', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('ended by %s', async (signal) => {
    const child = await startOwner('setInterval(() => {}, 1000);');
    expect(namespacesOf(child).length).toBeGreaterThan(3);
    child.process.kill(signal);
    expect(await child.exited).toBe(signal);
    expect(namespacesOf(child)).toEqual([]);
    await waitEnded(child.sleeper);
  });

  test.each([
    ['process.exit', 'process.stdin.once("data", () => process.exit(7));', 7],
    ['an exception nobody caught', 'process.stdin.once("data", () => { throw new Error("on purpose, in a test"); });', 1],
  ] as const)('ended by %s', async (_, then, code) => {
    const child = await startOwner(then);
    child.process.stdin?.write('go\n');
    expect(await child.exited).toBe(code);
    expect(namespacesOf(child)).toEqual([]);
    await waitEnded(child.sleeper);
  });

  test('killed: the next lab sweeps up', async () => {
    const child = await startOwner('setInterval(() => {}, 1000);');
    child.process.kill('SIGKILL');
    await child.exited;
    expect(namespacesOf(child).length).toBeGreaterThan(3);
    await using lab = await createLab({ podsOnNode1: [], podsOnNode2: [] });
    expect(lab.families.length).toBeGreaterThan(0);
    expect(namespacesOf(child)).toEqual([]);
  });
});

test('only names that a lab gave are taken for its own', () => {
  expect(ownerOf('wp123-4-node1')).toBe(123);
  for (const name of ['wpc-123-4', 'wp123', 'cni-123-4-x', 'wp12x-1-a', 'wp1-1-a-b']) expect(ownerOf(name)).toBeNull();
});

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { ProgramOrder, ProgramReport } from './health-program.ts';

/**
 * A process of its own that runs the programs of health checks: starting a program from the agent's large process would
 * stop its event loop for tens of milliseconds each time, because the kernel copies its page tables. Orders come as lines
 * of JSON, reports go the same way. When the agent ends, so does the input, and with it everything here.
 */

/** Octets of output that are kept; the first line is all that is shown. */
const outputLimit = 512;
const pipePatienceMs = 100;
/** What a program may rely on. Nothing of the agent's own environment is handed on: it may hold secrets. */
const environment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' } as const;

const running = new Map<number, ChildProcess>();

function report(message: ProgramReport): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function run(id: number, path: string, words: readonly string[]): void {
  // A group of its own, so that what the program starts can be ended with it.
  const child = spawn(path, words, { cwd: '/', env: environment, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  running.set(id, child);
  let output = '';
  const keep = (bytes: Buffer): void => {
    if (output.length < outputLimit) output += bytes.toString('latin1').slice(0, outputLimit - output.length);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  child.on('error', (error) => {
    if (running.delete(id)) report({ id, kind: 'error', message: error.message });
  });
  let ended: Exclude<ProgramReport, { kind: 'error' }> | null = null;
  let patience: NodeJS.Timeout | undefined;
  const finish = (): void => {
    clearTimeout(patience);
    child.stdout.destroy();
    child.stderr.destroy();
    if (running.delete(id) && ended !== null) report({ ...ended, output });
  };
  child.on('exit', (code, signal) => {
    ended = code === null ? { id, kind: 'signal', signal: signal ?? 'a signal', output } : { id, kind: 'exit', code, output };
    endGroup(child);
    // The pipes end with the last that holds them, and may have something in them until then. Only a process that left
    // the group can hold them still.
    patience = setTimeout(finish, pipePatienceMs);
  });
  child.on('close', finish);
}

function stop(id: number): void {
  const child = running.get(id);
  running.delete(id);
  if (child !== undefined) endGroup(child);
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody of the group is left.
  }
}

const orders = createInterface({ input: process.stdin });
orders.on('line', (line) => {
  const order = JSON.parse(line) as ProgramOrder;
  if (order.kind === 'stop') stop(order.id);
  else run(order.id, order.path, order.words);
});
orders.on('close', () => {
  for (const child of running.values()) endGroup(child);
  process.exit();
});
// Nobody reads any more: the input ends as well.
process.stdout.on('error', () => undefined);
// The agent decides when this ends; a signal to the whole group of a terminal is meant for the agent.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

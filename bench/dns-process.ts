import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

/** The server has one core to itself, the load and the stand-in for the upstream have the other. */
export const serverCore = 1;
export const loadCore = 0;

export interface Started {
  readonly pid: number;
  readonly child: ChildProcess;
  stop(): Promise<void>;
}

/** Starts a program on one core. What it has to say goes to our standard error. */
export function startOn(
  core: number,
  command: string,
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly ipc?: boolean; readonly cwd?: string } = {},
): Started {
  const child = spawn('taskset', ['-c', `${core}`, command, ...args], {
    env: { ...process.env, ...options.env },
    cwd: options.cwd,
    stdio: ['ignore', 'pipe', 'inherit', ...(options.ipc === true ? ['ipc' as const] : [])],
  });
  const ended = once(child, 'exit').catch((error: unknown) => console.error(`${command}: ${String(error)}`));
  // On every way out, Ctrl-C included.
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  return {
    pid: child.pid ?? 0,
    child,
    async stop() {
      child.kill('SIGTERM');
      const late = setTimeout(kill, 5000);
      await ended;
      clearTimeout(late);
      process.off('exit', kill);
    },
  };
}

/** Moves all threads of a process to the core of the server: some choose one of their own. */
export async function keepOnCore(pid: number): Promise<void> {
  await promisify(execFile)('taskset', ['-a', '-c', '-p', `${serverCore}`, `${pid}`]);
}

/** Octets of memory that a process has in RAM, and the part that no other process shares. */
export function readMemory(pid: number): { readonly resident: number; readonly own: number } {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  const sum = (names: readonly string[]): number =>
    names.reduce((total, name) => total + Number(new RegExp(`^${name}: *(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024, 0);
  return { resident: sum(['Rss']), own: sum(['Private_Clean', 'Private_Dirty']) };
}

/** Asks until there is an answer with a record, for 60 seconds at most. */
export async function waitForAnswer(port: number, question: Uint8Array): Promise<void> {
  const socket = createSocket('udp4');
  const answers: Buffer[] = [];
  socket.on('message', (message) => answers.push(message));
  socket.on('error', () => {});
  const deadline = Date.now() + 60_000;
  try {
    while (!answers.some((answer) => answer.readUInt16BE(6) > 0)) {
      if (Date.now() > deadline) throw new Error(`nothing answers on port ${port}`);
      socket.send(question, port, '127.0.0.1');
      await sleep(100);
    }
  } finally {
    socket.close();
  }
}

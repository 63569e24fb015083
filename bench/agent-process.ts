import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';

/** The agent as an operator has it, in the network namespace of this process. */
export class AgentProcess {
  readonly #child: ChildProcess;
  #output = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output = `${this.#output}${chunk}`.slice(-20_000);
      });
    }
    // On every way out, Ctrl-C included.
    process.once('exit', () => void child.kill('SIGKILL'));
  }

  static start(launcher: string, args: readonly string[]): AgentProcess {
    return new AgentProcess(spawn(launcher, args, { stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  get output(): string {
    return this.#output;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /**
   * Milliseconds of CPU time of the agent and all that it started. Of what runs the scheduler tells nanoseconds; of children that
   * have ended the kernel keeps ticks only, which are right on average where there are many.
   */
  cpuMs(): number {
    const all = listTree(this.#child.pid ?? 0).map((pid) => {
      const running = readList(`/proc/${pid}/task`).map((task) =>
        Number(readText(`/proc/${pid}/task/${task}/schedstat`).split(' ')[0]),
      );
      // cutime and cstime, fields 16 and 17 of proc(5).
      const fields = readText(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? [];
      const ended = fields.slice(13, 15).reduce((sum, field) => sum + Number(field), 0);
      return running.reduce((sum, one) => sum + one, 0) / 1e6 + ended * tickMs;
    });
    return all.reduce((sum, one) => sum + one, 0);
  }

  /** MiB of the agent's own process: in memory now, and the most there ever was. */
  memory(): { readonly now: number; readonly peak: number } {
    const status = readText(`/proc/${this.#child.pid}/status`);
    const read = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) / 1024;
    return { now: read('VmRSS'), peak: read('VmHWM') };
  }

  async stop(): Promise<void> {
    if (!this.running) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
  }
}

/** USER_HZ is 100 on every platform that Linux runs on here. */
const tickMs = 10;

function listTree(pid: number): readonly number[] {
  const tasks = readList(`/proc/${pid}/task`);
  const children = tasks.flatMap((task) => readText(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean).map(Number));
  return [pid, ...children.flatMap(listTree)];
}

/** Processes and threads end while they are looked at. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

function readList(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

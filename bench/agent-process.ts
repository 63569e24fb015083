import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readCpuTime, readText } from './process-files.ts';

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

  /** Milliseconds of CPU time of the agent and all that it started, those that have ended included. */
  cpuMs(): number {
    const { all, ended } = readCpuTime(this.#child.pid ?? 0);
    return (all + ended) / 1e6;
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

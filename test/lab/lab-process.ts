import type { ChildProcess } from 'node:child_process';
import { endProcess } from './driver-netns.ts';
import { patient } from './patience.ts';

/** How much of a process's output is kept: enough to explain a failure. */
const keptCharacters = 256 * 1024;

/** A process that runs in a namespace of the lab. */
export class LabProcess {
  readonly name: string;
  readonly pid: number;
  /** Becomes the exit code, or null after a signal. */
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  #output = '';
  #running = true;

  constructor(name: string, child: ChildProcess) {
    if (child.pid === undefined) {
      // The error event carries the reason and comes on a later turn; a missing `ip` was ruled out before.
      child.on('error', () => {});
      throw new Error(`${name} could not be started`);
    }
    this.name = name;
    this.pid = child.pid;
    this.#child = child;
    // Who is killed leaves unread what it was told.
    child.stdin?.on('error', () => {});
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (data: Buffer) => (this.#output = `${this.#output}${data}`.slice(-keptCharacters)));
    }
    this.exited = new Promise((resolve) => {
      child.on('exit', (code) => {
        this.#running = false;
        resolve(code);
      });
    });
  }

  get running(): boolean {
    return this.#running;
  }

  /** The last part of what it wrote to standard output and standard error. */
  get output(): string {
    return this.#output;
  }

  /** Adds to what it reads. */
  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#running) this.#child.kill(signal);
  }

  /** Ends it in order, and by force after two seconds. */
  async stop(): Promise<number | null> {
    this.signal('SIGTERM');
    const force = setTimeout(() => this.#running && endProcess(this.pid), patient(2000));
    const code = await this.exited;
    clearTimeout(force);
    return code;
  }

  /** Ends it at once, as a crash would. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.exited;
  }
}

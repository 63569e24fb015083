import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runIn } from '../lab/driver-netns.ts';
import { LabProcess } from '../lab/lab-process.ts';

/** A container by runc, which is in Debian; its state is in a folder of its own. */
export class Container implements AsyncDisposable {
  readonly process: LabProcess;
  readonly #id: string;
  readonly #state: string;

  /** `folder` is its bundle; the last word of it its name. */
  static async start(folder: string, config: object): Promise<Container> {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'config.json'), JSON.stringify(config));
    return new Container(folder);
  }

  private constructor(folder: string) {
    this.#id = `waypost-${process.pid}-${folder.slice(folder.lastIndexOf('/') + 1)}`;
    this.#state = `${folder}-state`;
    const child = spawn('runc', ['--root', this.#state, 'run', '--bundle', folder, this.#id], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process = new LabProcess(this.#id, child);
  }

  /** A line of `/proc/PID/status` of its first process, as seen from outside. */
  async status(): Promise<string> {
    const { stdout } = await runIn(null, 'runc', ['--root', this.#state, 'state', this.#id]);
    const { pid } = JSON.parse(stdout) as { readonly pid: number };
    return (await runIn(null, 'cat', [`/proc/${pid}/status`])).stdout;
  }

  /** Runs a command in it, with what its process has. */
  async exec(command: string, ...args: readonly string[]): ReturnType<typeof runIn> {
    return runIn(null, 'runc', ['--root', this.#state, 'exec', this.#id, command, ...args]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.running) await runIn(null, 'runc', ['--root', this.#state, 'delete', '--force', this.#id]);
    await this.process.exited;
  }
}

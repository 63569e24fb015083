import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Interface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { buildInitramfs } from './build-initramfs.ts';
import { createMarkerReader } from './marker-reader.ts';
import type { MarkerReader } from './marker-reader.ts';
import type { Machine } from './prepare.ts';
import { descriptors, listQemuArguments } from './qemu-arguments.ts';
import type { Acceleration } from './qemu-arguments.ts';
import { renderCommand } from './render-command.ts';

export interface CommandOptions {
  /** Added to the guest's environment, which has PATH and HOME. */
  readonly env?: Readonly<Record<string, string>>;
  /** What the command reads; nothing where it is left out. */
  readonly input?: string;
  /** Seconds after which the command is ended. Default 60. */
  readonly timeout?: number;
  /** Default: the repository. */
  readonly cwd?: string;
  /** Get the output as it comes. */
  readonly onStdout?: (chunk: Buffer) => void;
  readonly onStderr?: (chunk: Buffer) => void;
}

/** What became of a command. `code` is null where its time was over, and above 128 after a signal, as sh(1) has it. */
export interface CommandEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface BootOptions {
  readonly acceleration: Acceleration;
  readonly processors: number;
  readonly memoryMib: number;
  readonly bootLimitMs: number;
  readonly signal?: AbortSignal;
}

/** How much of the console is kept: enough to explain a failure. */
const keptCharacters = 64 * 1024;

/** Boots one guest in one way and waits until it takes commands. */
export async function bootVm(machine: Machine, options: BootOptions): Promise<Vm> {
  options.signal?.throwIfAborted();
  const vm = new Vm(machine, options, spawnQemu(machine, options));
  options.signal?.addEventListener('abort', () => void vm.close());
  try {
    await vm.booted(options.bootLimitMs);
  } catch (error) {
    await vm.close();
    throw error;
  }
  return vm;
}

/** The kernel ends qemu when the thread that started it ends, be it by SIGKILL (PR_SET_PDEATHSIG of prctl(2)). */
function spawnQemu(machine: Machine, options: BootOptions): ChildProcess {
  const initramfs = openUnnamed(machine.cache, buildInitramfs(machine));
  try {
    const argv = [
      '--pdeathsig',
      'KILL',
      'qemu-system-x86_64',
      ...listQemuArguments({ ...options, kernel: machine.kernel.image }),
    ];
    const channels = ['pipe', 'pipe', 'pipe', 'pipe'] as const;
    return spawn('setpriv', argv, { stdio: ['ignore', 'ignore', 'pipe', ...channels, initramfs] });
  } finally {
    closeSync(initramfs);
  }
}

/** A file that has no name any more and is gone with its last descriptor. */
function openUnnamed(parent: string, content: Buffer): number {
  const folder = mkdtempSync(join(parent, 'boot-'));
  try {
    writeFileSync(join(folder, 'initramfs'), content);
    return openSync(join(folder, 'initramfs'), 'r');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A guest. Runs one command at a time, as root; hold it with `await using`, or close it. */
export class Vm {
  readonly acceleration: Acceleration;
  readonly pid: number | undefined;
  readonly #machine: Machine;
  readonly #child: ChildProcess;
  readonly #control: Duplex;
  readonly #lines: Interface;
  readonly #readers: { stdout: MarkerReader | null; stderr: MarkerReader | null } = { stdout: null, stderr: null };
  readonly #answers = new Map<string, (code: string) => void>();
  readonly #exited: Promise<void>;
  readonly #ready = Promise.withResolvers<string>();
  #console = '';
  #release = '';
  #lastId = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(machine: Machine, options: BootOptions, child: ChildProcess) {
    this.acceleration = options.acceleration;
    this.#machine = machine;
    this.#child = child;
    this.pid = child.pid;
    this.#exited = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#note(Buffer.from(error.message));
        resolve();
      });
      child.once('exit', () => resolve());
    });
    // The declared type knows of five descriptors only.
    const streams: readonly unknown[] = child.stdio;
    const channel = (name: keyof typeof descriptors): Duplex => streams[descriptors[name]] as Duplex;
    this.#control = channel('control');
    // A guest that ends takes its channels with it; what matters of that is told by its exit.
    for (const name of ['console', 'control', 'stdout', 'stderr'] as const) channel(name).on('error', () => {});
    this.#lines = createInterface({ input: this.#control });
    this.#lines.on('error', () => {});
    channel('console').on('data', (data: Buffer) => this.#note(data));
    child.stderr?.on('data', (data: Buffer) => this.#note(data));
    for (const name of ['stdout', 'stderr'] as const) {
      channel(name).on('data', (data: Buffer) => this.#readers[name]?.feed(data));
    }
    this.#lines.on('line', (line) => this.#take(line));
  }

  /** The release of the kernel that runs in it. */
  get release(): string {
    return this.#release;
  }

  /** The last part of what its kernel and qemu said. */
  get console(): string {
    return this.#console;
  }

  /** Waits for the guest's first word. Called by {@link bootVm}. */
  async booted(limitMs: number): Promise<void> {
    const limit = setTimeout(() => this.#ready.reject(new Error(`no answer within ${limitMs / 1000} s`)), limitMs);
    try {
      this.#release = await this.#orEnd(this.#ready.promise);
    } catch (error) {
      throw new Error(`the virtual machine did not start (${this.acceleration}): ${this.#lastWords()}`, { cause: error });
    } finally {
      clearTimeout(limit);
    }
  }

  /**
   * Runs a command when those before it have ended. Nothing it started is left when it has: the guest ends every
   * other process. Rejects only where the guest is gone.
   */
  run(command: string, args: readonly string[] = [], options: CommandOptions = {}): Promise<CommandEnd> {
    const end = this.#turn.then(() => this.#runNow(command, args, options));
    this.#turn = end.catch(() => {});
    return end;
  }

  /** Ends the guest at once: nothing in it is worth keeping. May be called again. */
  async close(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
    for (const channel of this.#child.stdio) channel?.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #runNow(command: string, args: readonly string[], options: CommandOptions): Promise<CommandEnd> {
    this.#lastId += 1;
    const id = String(this.#lastId);
    const marker = randomBytes(16).toString('hex');
    const script = renderCommand({
      command,
      args,
      env: options.env ?? {},
      cwd: options.cwd ?? this.#machine.repository,
      input: options.input ?? '',
    });
    const stdout = createMarkerReader(marker, options.onStdout ?? (() => {}));
    const stderr = createMarkerReader(marker, options.onStderr ?? (() => {}));
    Object.assign(this.#readers, { stdout, stderr });
    const answer = new Promise<string>((resolve) => this.#answers.set(id, resolve));
    this.#control.write(`${id} ${options.timeout ?? 60} ${marker} ${Buffer.from(script).toString('base64')}\n`);
    const [code, ...output] = await this.#orEnd(Promise.all([answer, stdout.ended, stderr.ended]));
    const [out, err] = output.map((bytes) => bytes.toString('utf8'));
    return { code: code === '-' ? null : Number(code), stdout: out ?? '', stderr: err ?? '' };
  }

  /** The value, unless the guest ends before. */
  async #orEnd<T>(value: Promise<T>): Promise<T> {
    const ended = this.#exited.then(() => {
      throw new Error(`the virtual machine ended: ${this.#lastWords()}`);
    });
    return Promise.race([value, ended]);
  }

  #take(line: string): void {
    const [word = '', value = ''] = line.split(' ');
    if (word === 'ready') this.#ready.resolve(value);
    this.#answers.get(word)?.(value);
    this.#answers.delete(word);
  }

  #note(data: Buffer): void {
    this.#console = `${this.#console}${data}`.slice(-keptCharacters);
  }

  #lastWords(): string {
    return this.#console.trim().split('\n').slice(-10).join('\n') || 'it said nothing';
  }
}

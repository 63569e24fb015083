import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdtemp, open, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

export interface ShellCommand {
  /** Program and arguments; no element may hold a line end. */
  readonly argv: readonly string[];
  /** Written to a file before the program starts; null for an empty standard input. */
  readonly input: Iterable<string> | null;
  readonly timeoutSeconds: number;
  readonly maxOutputBytes: number;
}

export type ShellResult =
  | {
      readonly kind: 'exit';
      /** As `$?`: 126 and 127 mean the program did not start, above 128 a signal. */
      readonly status: number;
      readonly stdout: string;
      /** The first 64 KiB. */
      readonly stderr: string;
      readonly inputBytes: number;
    }
  /** The program was killed. */
  | { readonly kind: 'timeout'; readonly inputBytes: number }
  | { readonly kind: 'too-big'; readonly inputBytes: number }
  /** The shell could not be started, or died; what the program did is unknown. */
  | { readonly kind: 'broken'; readonly message: string; readonly inputBytes: number };

/** Runs programs one after another. */
export interface Shell {
  run(command: ShellCommand): Promise<ShellResult>;
  /** Waits for commands under way, ends the shell and removes its files. Later commands are `broken`. */
  close(): Promise<void>;
}

const stderrLimit = 64 * 1024;

/** How long a killed program may take to disappear before the shell is given up with it. */
const killGraceMs = 2000;

/**
 * The loop of the resident shell, for any POSIX `sh`. It reads one line per program (`ulimit -f` blocks,
 * quoted words) and answers `start <pid>` and `end <status>`. It ends with the process
 * that feeds it, because its standard input does, and takes its files along. Nobody reads the answer if that
 * process was killed during a command, and SIGPIPE would then end the loop before it has cleared up.
 */
const loop = `
cd "$1" || exit 1
home=$1
trap '' PIPE
while IFS= read -r line; do
  eval "set -- $line"
  blocks=$1; shift
  { trap - PIPE; ulimit -f "$blocks" 2>/dev/null; exec "$@"; } <in >out 2>err &
  echo "start $!"
  wait $!
  echo "end $?"
done
cd /
rm -rf "$home"
`;

/**
 * Makes a shell. A spawn from a large Node process blocks the event loop for milliseconds, because the
 * kernel copies its page tables; a small process that was spawned once does it for us. The shell starts
 * with the first command, and again when it died. Standard streams are files in a private directory,
 * in memory where possible.
 */
export function createShell(): Shell {
  let resident: Resident | null = null;
  let closed = false;
  let tail: Promise<unknown> = Promise.resolve();

  const runOne = async (command: ShellCommand): Promise<ShellResult> => {
    try {
      if (resident?.ended !== false) {
        await resident?.remove();
        resident = await Resident.start();
      }
      return await resident.run(command);
    } catch (error) {
      await resident?.kill();
      return { kind: 'broken', message: `the helper shell failed: ${String(error)}`, inputBytes: 0 };
    }
  };

  return {
    async run(command) {
      if (closed) return { kind: 'broken', message: 'the helper shell is closed', inputBytes: 0 };
      const result = tail.then(() => runOne(command));
      tail = result;
      return result;
    },
    async close() {
      closed = true;
      await tail;
      await resident?.remove();
      resident = null;
    },
  };
}

/** One running shell and its directory. */
class Resident {
  /** True once nothing more will be answered. */
  ended = false;
  readonly #directory: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #gone: Promise<void>;
  #pid: number | null = null;
  #finish: ((status: number | null) => void) | null = null;

  static async start(): Promise<Resident> {
    const directory = await mkdtemp(join(await findMemoryDirectory(), `waypost-${process.pid}-`));
    return new Resident(directory);
  }

  private constructor(directory: string) {
    this.#directory = directory;
    // A session of its own, so that Ctrl-C at a terminal ends us in order and does not cut a restore short.
    this.#child = spawn('/bin/sh', ['-c', loop, 'sh', directory], { stdio: ['pipe', 'pipe', 'ignore'], detached: true });
    this.#gone = new Promise((resolve) => {
      const end = (): void => {
        this.ended = true;
        this.#finish?.(null);
        resolve();
      };
      this.#child.on('error', end);
      this.#child.once('close', end);
    });
    // A write to a shell that just died must not end the agent; its `close` event tells.
    this.#child.stdin.on('error', () => undefined);
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#hear(line));
  }

  async run(command: ShellCommand): Promise<ShellResult> {
    const inputBytes = await writeInput(join(this.#directory, 'in'), command.input);
    const status = await this.#execute(command);
    if (status === 'timeout') return { kind: 'timeout', inputBytes };
    if (status === null) return { kind: 'broken', message: 'the helper shell died', inputBytes };
    const out = join(this.#directory, 'out');
    if ((await stat(out)).size > command.maxOutputBytes) return { kind: 'too-big', inputBytes };
    const stdout = await readFile(out, 'utf8');
    const stderr = await readStart(join(this.#directory, 'err'), stderrLimit);
    return { kind: 'exit', status, stdout, stderr, inputBytes };
  }

  /** Ends the shell the quiet way and makes sure its directory is gone. */
  async remove(): Promise<void> {
    this.#child.stdin.end();
    await this.#gone;
    await rm(this.#directory, { recursive: true, force: true });
  }

  async kill(): Promise<void> {
    if (this.#pid !== null) killQuietly(this.#pid);
    this.#child.kill('SIGKILL');
    await this.remove();
  }

  /** The exit status, `timeout`, or null if the shell died. */
  async #execute(command: ShellCommand): Promise<number | 'timeout' | null> {
    if (this.ended) return null;
    // In blocks of 512 bytes (some shells: 1024), only to bound the damage; the exact limit is ours.
    const blocks = Math.ceil(command.maxOutputBytes / 512) + 1;
    const ending = new Promise<number | null>((resolve) => {
      this.#finish = resolve;
    });
    this.#child.stdin.write(`${[String(blocks), ...command.argv].map(quote).join(' ')}\n`);
    const status = await within(ending, command.timeoutSeconds * 1000);
    if (status === 'timeout') {
      if (this.#pid !== null) killQuietly(this.#pid);
      if ((await within(ending, killGraceMs)) === 'timeout') await this.kill();
    }
    this.#finish = null;
    return status;
  }

  #hear(line: string): void {
    const [event, value] = line.split(' ');
    if (event === 'start') this.#pid = Number(value);
    else {
      this.#pid = null;
      this.#finish?.(Number(value));
    }
  }
}

/** `/dev/shm` and `/run` are memory; the last resort may be a disk. */
async function findMemoryDirectory(): Promise<string> {
  for (const directory of ['/dev/shm', '/run']) {
    try {
      await access(directory, constants.W_OK | constants.X_OK);
      return directory;
    } catch {
      // Absent, or read-only: the next one.
    }
  }
  return tmpdir();
}

async function writeInput(path: string, input: Iterable<string> | null): Promise<number> {
  const file = await open(path, 'w', 0o600);
  try {
    let bytes = 0;
    for (const chunk of input ?? []) {
      await file.writeFile(chunk);
      bytes += Buffer.byteLength(chunk);
    }
    return bytes;
  } finally {
    await file.close();
  }
}

async function readStart(path: string, limit: number): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(limit), 0, limit, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T | 'timeout'> {
  const abort = new AbortController();
  const late = delay(milliseconds, 'timeout' as const, { signal: abort.signal }).catch(() => 'timeout' as const);
  try {
    return await Promise.race([promise, late]);
  } finally {
    abort.abort();
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}

function quote(word: string): string {
  if (/[\n\0]/.test(word)) throw new TypeError('a command word cannot hold a line end');
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

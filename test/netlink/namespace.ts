import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { CommandResult } from '../lab/driver-netns.ts';
import { removeNamespaces, runIn, spawnIn } from '../lab/driver-netns.ts';
import type { Call } from './namespace-child.ts';

const childScript = fileURLToPath(new URL('namespace-child.ts', import.meta.url));

/** A network namespace with a process in it that speaks netlink for a test. */
export interface NetlinkNamespace extends AsyncDisposable {
  readonly name: string;
  /** Runs a command inside; rejects where it fails. */
  exec(...words: readonly [string, ...string[]]): Promise<string>;
  /** The same, with its exit code as a value. */
  attempt(words: readonly string[], input?: string): Promise<CommandResult>;
  /** Lets the child do something. */
  call(call: Call): Promise<unknown>;
  /** What the child was told by the kernel so far. */
  readonly events: readonly unknown[];
  /** Closes the child's standard input and gives its exit code: it ends by itself if nothing holds it. */
  end(): Promise<number | null>;
}

let count = 0;

/** Makes a namespace with loopback up. */
export async function createNamespace(): Promise<NetlinkNamespace> {
  count += 1;
  const name = `wpnl-${process.pid}-${count}`;
  const made = await runIn(null, 'ip', ['netns', 'add', name]);
  if (made.code !== 0) throw new Error(`ip netns add: ${made.stderr}`);
  await runIn(name, 'ip', ['link', 'set', 'lo', 'up']);
  const child = spawnIn(name, process.execPath, [childScript]);
  const { call, events } = converse(child);
  const ended = new Promise<number | null>((resolve) => void child.once('exit', resolve));
  const attempt = ([command = '', ...args]: readonly string[], input = ''): Promise<CommandResult> =>
    runIn(name, command, args, { input });
  const end = (): Promise<number | null> => {
    child.stdin?.end();
    return ended;
  };
  return {
    name,
    attempt,
    async exec(...words) {
      const { code, stdout, stderr } = await attempt(words);
      if (code !== 0) throw new Error(`${words.join(' ')}: ${stderr}`);
      return stdout;
    },
    call,
    events,
    end,
    async [Symbol.asyncDispose]() {
      await end();
      await removeNamespaces([name]);
    },
  };
}

function converse(child: ChildProcess): Pick<NetlinkNamespace, 'call' | 'events'> {
  const events: unknown[] = [];
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let lastId = 0;
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => void (said += chunk.toString()));
  child.once('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`the child ended with ${code}: ${said}`));
  });
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const answer = JSON.parse(line) as { id?: number; value?: unknown; error?: string; event?: unknown };
      const call = waiting.get(answer.id ?? 0);
      if (answer.id === undefined) events.push(answer.event);
      else if (answer.error === undefined) call?.resolve(answer.value);
      else call?.reject(new Error(answer.error));
    });
  }
  return {
    events,
    call: (call) =>
      new Promise((resolve, reject) => {
        lastId += 1;
        waiting.set(lastId, { resolve, reject });
        child.stdin?.write(`${JSON.stringify({ id: lastId, call })}\n`);
      }),
  };
}

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Outcome } from '../model/mod.ts';
import { createExecNftPort } from './driver-exec.ts';
import type { ApplyReport, NftPort, TableState } from './port.ts';
import { unpackTable } from './table-transport.fixture.ts';
import type { PackedTable } from './table-transport.fixture.ts';

/** A network namespace of its own with both drivers in it, for tests on the real kernel. */
export interface Namespace {
  readonly name: string;
  readonly exec: NftPort;
  /** In a process of its own inside the namespace. */
  readonly netlink: NftPort;
  /** Runs a command inside and gives its standard output; throws if it fails. */
  run(argv: readonly string[], input?: string): string;
  [Symbol.asyncDispose](): Promise<void>;
}

let count = 0;

/** Why tests on the real kernel cannot run here; null if they can. */
export const kernelObstacle: string | null = findObstacle();

/** Put behind the title of such tests, it says why they are skipped. */
export const kernelNote = kernelObstacle === null ? '' : ` [skipped: ${kernelObstacle}]`;
if (kernelObstacle !== null) process.stderr.write(`SKIPPED: nf_tables on the kernel: ${kernelObstacle}\n`);

/** Makes an empty namespace; ending the `await using` block removes it with everything in it. */
export function makeNamespace(): Namespace {
  count += 1;
  const name = `wpnf-${process.pid}-${count}`;
  execFileSync('ip', ['netns', 'add', name]);
  const prefix = ['netns', 'exec', name];
  const netlink = createChildPort(name);
  return {
    name,
    exec: createExecNftPort({ prefix: ['ip', ...prefix] }),
    netlink,
    run: (argv, input = '') =>
      execFileSync('ip', [...prefix, ...argv], { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] }),
    async [Symbol.asyncDispose]() {
      await netlink.close();
      execFileSync('ip', ['netns', 'del', name]);
    },
  };
}

/** The netlink driver in a child process: a socket belongs to the namespace it was opened in. */
function createChildPort(namespace: string): NftPort {
  let started: { readonly child: ChildProcess; readonly answers: AsyncIterator<string> } | null = null;
  const start = (): NonNullable<typeof started> => {
    const file = fileURLToPath(new URL('netlink-child.fixture.ts', import.meta.url));
    const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, file], { stdio: ['pipe', 'pipe', 'inherit'] });
    if (child.stdout === null) throw new Error('no output of the child');
    return { child, answers: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
  };
  const call = async (question: object): Promise<unknown> => {
    started ??= start();
    started.child.stdin?.write(`${JSON.stringify(question)}\n`);
    const answer = await started.answers.next();
    if (answer.done === true) throw new Error('the netlink child ended');
    return JSON.parse(answer.value);
  };
  return {
    apply: async (transaction, generation) => (await call({ apply: transaction, generation })) as ApplyReport,
    generation: async () => (await call({ ask: 'generation' })) as Outcome<number>,
    async readTable(family, name) {
      const packed = (await call({ read: { family, name } })) as Outcome<PackedTable | null>;
      if (!packed.ok) return packed;
      const table: TableState | null = packed.value === null ? null : unpackTable(packed.value);
      return { ok: true, value: table };
    },
    async close() {
      if (started === null) return;
      const { child } = started;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.stdin?.end();
      await ended;
      started = null;
    },
  };
}

function findObstacle(): string | null {
  if (process.getuid?.() !== 0) return 'needs root';
  if (spawnSync('nft', ['--version']).error !== undefined) return 'nft is not installed';
  const name = `wpnf-${process.pid}-0`;
  if (spawnSync('ip', ['netns', 'add', name]).status !== 0) return 'network namespaces cannot be made';
  const listed = spawnSync('ip', ['netns', 'exec', name, 'nft', 'list', 'ruleset']);
  spawnSync('ip', ['netns', 'del', name]);
  return listed.status === 0 ? null : 'the kernel has no nf_tables';
}

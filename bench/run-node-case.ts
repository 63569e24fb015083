import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { buildBundle } from '../scripts/bundle/build-bundle.ts';
import { outsideVariable, ownNamespace } from './agent-stage.ts';
import type { NodeCase, NodeResult } from './node-case.ts';

const modes = ['nftables', 'ipvs', 'iptables'] as const;

export interface NodeChoice {
  readonly modes: readonly string[];
  readonly sizes: readonly number[];
  /** The command `waypost` as the image has it. */
  readonly launcher: string;
  readonly json: string | null;
}

/** Reads `--modes`, `--sizes` and `--json`, and bundles the agent. A mode that this kernel lacks is left out, and that is said. */
export async function prepareNodeBench(sizes: readonly number[]): Promise<NodeChoice> {
  if (process.getuid?.() !== 0) throw new Error('this benchmark makes network namespaces, which needs root');
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: { modes: { type: 'string' }, sizes: { type: 'string' }, json: { type: 'string' } },
  });
  const wanted = values.modes?.split(',') ?? modes;
  const unknown = wanted.filter((mode) => !modes.includes(mode as (typeof modes)[number]));
  if (unknown.length > 0) throw new Error(`--modes names ${unknown.join(', ')}; there is: ${modes.join(', ')}`);
  const asked = values.sizes?.split(',').map(Number) ?? sizes;
  if (asked.some((size) => !Number.isInteger(size) || size < 1))
    throw new Error(`--sizes must be numbers of Services, not ${values.sizes}`);
  const hasIpvs = existsSync('/proc/net/ip_vs') || loadModule('ip_vs');
  if (!hasIpvs && wanted.includes('ipvs')) console.log('ipvs mode is left out: this kernel has no ip_vs');
  return {
    modes: wanted.filter((mode) => mode !== 'ipvs' || hasIpvs),
    sizes: asked,
    launcher: await bundleForBench(),
    json: values.json ?? null,
  };
}

/** Bundles the agent; gives the command `waypost` as the image has it. */
export async function bundleForBench(): Promise<string> {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const folder = `${root}dist`;
  await buildBundle(root, folder);
  return `${folder}/bin/waypost`;
}

function loadModule(name: string): boolean {
  try {
    execFileSync('modprobe', ['--quiet', name], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export async function runNodeCase(asked: NodeCase): Promise<NodeResult> {
  return await runInNamespace('node-case.ts', asked);
}

/** Runs a script of this folder in a network namespace of its own, in which everything of 10.0.0.0/8 is local; gives what it printed last. */
export async function runInNamespace<T>(file: string, asked: unknown): Promise<T> {
  const namespace = `wpb${process.pid}`;
  const remove = (): void => void execFileSync('ip', ['netns', 'del', namespace], { stdio: 'ignore' });
  execFileSync('ip', ['netns', 'add', namespace]);
  // On every way out, Ctrl-C included.
  process.once('exit', remove);
  const end = (): never => process.exit(1);
  for (const signal of signals) process.once(signal, end);
  try {
    execFileSync('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
    execFileSync('ip', ['-n', namespace, 'addr', 'add', '10.0.0.1/8', 'dev', 'lo']);
    const script = fileURLToPath(new URL(file, import.meta.url));
    const command = ['netns', 'exec', namespace, process.execPath, script, JSON.stringify(asked)];
    const env = { ...process.env, [outsideVariable]: ownNamespace() };
    const { stdout } = await promisify(execFile)('ip', command, { maxBuffer: 16 * 1024 * 1024, env });
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as T;
  } finally {
    process.off('exit', remove);
    for (const signal of signals) process.off(signal, end);
    remove();
  }
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The value below which so much of the values lies. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

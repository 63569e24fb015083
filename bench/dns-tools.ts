import { execFile } from 'node:child_process';
import { accessSync, constants, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** A program that the DNS benchmark runs, with what its environment needs beside the own one. */
export interface Tool {
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
}

export type ToolName = 'unbound' | 'knotd' | 'nsd' | 'dnsmasq' | 'dnsperf' | 'coredns';

/** Command, Debian package that brings it, what it is needed for. */
const packages: readonly (readonly [ToolName, string, string])[] = [
  ['unbound', 'unbound', 'a resolver with local data'],
  ['knotd', 'knot', 'an authoritative server'],
  ['nsd', 'nsd', 'an authoritative server'],
  ['dnsmasq', 'dnsmasq-base', 'a forwarder with hosts'],
  ['dnsperf', 'dnsperf', 'a load of foreign making'],
];

const cache = fileURLToPath(new URL('../node_modules/.cache/waypost-bench-dns', import.meta.url));
const run = promisify(execFile);

/**
 * Finds the programs on PATH. Those that are not there are fetched as Debian packages and unpacked below
 * node_modules/.cache, never installed: an installed name server would start at once and take port 53 of the machine.
 */
export async function findTools(say: (line: string) => void): Promise<ReadonlyMap<ToolName, Tool>> {
  const tools = new Map<ToolName, Tool>();
  for (const name of [...packages.map(([tool]) => tool), 'coredns' as const]) {
    const tool = findOnPath(name) ?? findUnpacked(name);
    if (tool !== null) tools.set(name, tool);
  }
  if (packages.every(([name]) => tools.has(name))) return tools;
  // All that are not on PATH: the tree of before is replaced.
  const missing = packages.filter(([name]) => findOnPath(name) === null);
  const names = missing.map(([, name]) => name);
  say(`fetching Debian packages into ${cache}, without installing them: ${names.join(' ')}`);
  for (const [name, , purpose] of missing) say(`  ${name} is missing, needed for ${purpose}`);
  try {
    await unpack(names);
  } catch (error) {
    say(`they could not be fetched: ${error instanceof Error ? error.message.trim() : String(error)}`);
  }
  for (const [name] of missing) {
    const tool = findUnpacked(name);
    if (tool === null) say(`${name} is left out of the benchmark`);
    else tools.set(name, tool);
  }
  return tools;
}

function findOnPath(name: string): Tool | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  const path = folders.map((folder) => join(folder, name)).find(isProgram);
  return path === undefined ? null : { path, env: {} };
}

function findUnpacked(name: string): Tool | null {
  const tree = join(cache, 'tree');
  const path = ['usr/sbin', 'usr/bin', 'sbin', 'bin'].map((folder) => join(tree, folder, name)).find(isProgram);
  if (path === undefined) return null;
  const libraries = ['usr/lib', 'lib'].flatMap((folder) =>
    listFolders(join(tree, folder)).filter((one) => one.includes('-linux-')),
  );
  return { path, env: { LD_LIBRARY_PATH: libraries.join(delimiter) } };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function listFolders(folder: string): readonly string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** The packages with those that they depend on and that the machine does not have. */
async function unpack(names: readonly string[]): Promise<void> {
  const folder = `${cache}-unpacking-${process.pid}`;
  mkdirSync(join(folder, 'partial'), { recursive: true });
  const options = ['-q', '-o', 'DPkg::Lock::Timeout=120', '-o', 'Acquire::Retries=3'];
  // Nothing is installed, so neither root nor the lock of the machine's own packages is needed.
  const apart = ['-o', `Dir::Cache::archives=${folder}`, '-o', 'APT::Sandbox::User=root', '-o', 'Debug::NoLocking=1'];
  const download = [...options, ...apart, 'install', '--download-only', '--no-install-recommends', '-y', ...names];
  try {
    // The lists of packages may be missing or name what the archive no longer has.
    await run('apt-get', download).catch(async () => {
      await run('apt-get', [...options, 'update']);
      await run('apt-get', download);
    });
    const tree = join(folder, 'tree');
    for (const name of readdirSync(folder).filter((one) => one.endsWith('.deb'))) {
      await run('dpkg-deb', ['-x', join(folder, name), tree]);
    }
    rmSync(cache, { recursive: true, force: true });
    renameSync(folder, cache);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

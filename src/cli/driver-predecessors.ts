import type { Shell } from '../iptables/mod.ts';
import type { Address, Family, Problem } from '../model/mod.ts';
import { dummyInterface, findSets, findVirtualServers, parseAddresses, saysNothingThere } from './predecessors.ts';
import type { Leftovers } from './predecessors.ts';

/** What was removed, in words, and what could not be. */
export interface Removal {
  readonly removed: readonly string[];
  readonly problems: readonly Problem[];
}

interface Job {
  readonly shell: Shell;
  readonly removed: string[];
  readonly problems: Problem[];
}

const showAddresses = ['ip', '-oneline', 'address', 'show', 'dev', dummyInterface] as const;

const timeoutSeconds = 60;
const maxOutputBytes = 64 * 1024 * 1024;

/** Names of virtual servers that a data plane of ours has taken over (`TCP 10.96.0.1:443`): they stay. */
export type AdoptedServers = () => readonly string[];

/**
 * Removes what kube-proxy left behind in one family, chains excepted. Tools and kernel features that are not
 * there are no failure: what needs them cannot be there either. `last` says that no other family is still to
 * come, so that the interface that both share goes too.
 */
export async function removeLeftovers(
  shell: Shell,
  what: Leftovers,
  family: Family,
  last: boolean,
  adopted: AdoptedServers = () => [],
): Promise<Removal> {
  const job: Job = { shell, removed: [], problems: [] };
  if (what.tables) await removeTable(job, family);
  if (what.servers) await removeServers(job, family, last, adopted);
  if (what.sets) await removeSets(job, family);
  return { removed: job.removed, problems: job.problems };
}

/** The addresses of kube-proxy's interface of ipvs mode; none where there is no such interface. */
export async function readProxyAddresses(shell: Shell): Promise<readonly Address[]> {
  const shown = await ask({ shell, removed: [], problems: [] }, showAddresses);
  return shown === null ? [] : parseAddresses(shown);
}

async function removeTable(job: Job, family: Family): Promise<void> {
  const name = family === 'IPv4' ? 'ip' : 'ip6';
  await remove(job, `nftables table ${name} kube-proxy`, ['nft', 'delete', 'table', name, 'kube-proxy']);
}

/**
 * Servers go before the addresses: an address that is no longer local would let packets pass by a server that still
 * counts their connections.
 */
async function removeServers(job: Job, family: Family, last: boolean, adopted: AdoptedServers): Promise<void> {
  const shown = await ask(job, showAddresses);
  if (shown === null) return;
  // Asking ipvsadm would load the module on a machine that has never used it.
  if ((await ask(job, ['cat', '/proc/net/ip_vs'])) !== null) {
    const saved = (await ask(job, ['ipvsadm', '--save', '-n'])) ?? '';
    // Asked after the listing: what is taken over in the meantime is not in it.
    const kept = new Set(adopted());
    for (const { option, place, key } of findVirtualServers(saved, parseAddresses(shown), family)) {
      if (kept.has(key)) continue;
      await remove(job, `virtual server ${option} ${place}`, ['ipvsadm', '--delete-service', option, place]);
    }
  }
  if (last) await remove(job, `interface ${dummyInterface}`, ['ip', 'link', 'delete', dummyInterface]);
  else await run(job, ['ip', family === 'IPv4' ? '-4' : '-6', 'address', 'flush', 'dev', dummyInterface]);
}

async function removeSets(job: Job, family: Family): Promise<void> {
  const listed = (await ask(job, ['ipset', 'list', '-name'])) ?? '';
  for (const name of findSets(listed, family)) await remove(job, `ipset ${name}`, ['ipset', 'destroy', name]);
}

async function remove(job: Job, what: string, argv: readonly string[]): Promise<void> {
  const done = await run(job, argv);
  if (done !== null) job.removed.push(what);
}

/** Standard output, or null where the answer is that nothing is there. */
async function ask(job: Job, argv: readonly string[]): Promise<string | null> {
  return await run(job, argv);
}

async function run({ shell, problems }: Job, argv: readonly string[]): Promise<string | null> {
  const result = await shell.run({ argv, input: null, timeoutSeconds, maxOutputBytes });
  if (result.kind === 'exit' && result.status === 0) return result.stdout;
  if (result.kind === 'exit' && (isMissing(result.status) || saysNothingThere(result.stderr))) return null;
  const reason = result.kind === 'exit' ? firstLine(result.stderr) || `status ${result.status}` : describeEnd(result.kind);
  problems.push({ code: 'WP_CLI_LEFTOVER', message: `${argv.join(' ')}: ${reason}` });
  return null;
}

/** The shell could not execute the program. */
function isMissing(status: number): boolean {
  return status === 126 || status === 127;
}

function describeEnd(kind: 'timeout' | 'too-big' | 'broken'): string {
  if (kind === 'timeout') return `no end within ${timeoutSeconds} s`;
  return kind === 'too-big' ? 'it prints too much' : 'the helper shell died';
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}

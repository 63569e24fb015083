import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createExecPort, createShell, listClientSets, parseSetMembers, tableNames, toolNames } from '../iptables/mod.ts';
import type { RulesetState, Shell, TableName, Variant } from '../iptables/mod.ts';
import { createIpvsNetlinkPort } from '../ipvs/mod.ts';
import type { ListedServer } from '../ipvs/mod.ts';
import { succeed } from '../model/mod.ts';
import type { Family, Outcome, Protocol } from '../model/mod.ts';
import { createConntrackPort, openRoutePort } from '../netlink/mod.ts';
import type { ConntrackFlow, RoutePort } from '../netlink/mod.ts';
import { createExecNftPort, openNetlinkNftPort, parseTableNames } from '../nftables/mod.ts';
import type { NftPort, TableState } from '../nftables/mod.ts';
import type { RoutingState } from '../trace/mod.ts';

/** What one family of a kernel holds that decides about packets, as it was read. */
export interface KernelReading {
  readonly routing: RoutingState;
  /** Of each variant of iptables that has rules. */
  readonly rulesets: readonly RulesetState[];
  readonly tables: readonly TableState[];
  readonly servers: readonly ListedServer[];
  /** Members of ipsets and of lists of the `recent` match, by name. */
  readonly clientSets: ReadonlyMap<string, ReadonlySet<string>>;
  /** Texts of `/proc/sys`, by path below it. */
  readonly sysctls: ReadonlyMap<string, string>;
  /** `/proc/net/tcp` and its like. */
  readonly sockets: ReadonlyMap<string, string>;
  /** What could not be read, in words. */
  readonly gaps: readonly string[];
}

const noPause = (): null => null;
const timeoutSeconds = 60;
const maxOutputBytes = 256 * 1024 * 1024;

type Ask = (...argv: readonly string[]) => Promise<string | null>;

/**
 * Reads one family of the kernel of this network namespace and changes nothing: neither modules nor tables come into being
 * by the look. Fails only where routes cannot be read; what else is missing is a gap.
 */
export async function readKernel(family: Family): Promise<Outcome<KernelReading>> {
  const routing = await readRouting(family);
  if (!routing.ok) return routing;
  const gaps: string[] = [];
  const shell = createShell();
  const ask: Ask = async (...argv) => {
    const result = await shell.run({ argv, input: null, timeoutSeconds, maxOutputBytes });
    return result.kind === 'exit' && result.status === 0 ? result.stdout : null;
  };
  const listed = await ask('nft', '-j', 'list', 'tables');
  const names = listed === null ? null : parseTableNames(listed);
  if (names === null) gaps.push('tables of nftables other than waypost, since nft cannot be asked');
  const { rulesets, covered } = await readRulesets(shell, family, names, gaps);
  const tables = await readTables(family, names, covered, gaps);
  const servers = await readServers(family, gaps);
  const clientSets = await readClientSets(ask, rulesets);
  await shell.close();
  const devices = new Set(routing.value.routes.flatMap(({ device }) => (device === null ? [] : [device])));
  const sysctls = await readTexts('/proc/sys', sysctlPaths(family, devices));
  const sockets = await readTexts('/proc/net', ['tcp', 'tcp6', 'udp', 'udp6']);
  return succeed({ routing: routing.value, rulesets, tables, servers, clientSets, sysctls, sockets, gaps });
}

async function readRouting(family: Family): Promise<Outcome<RoutingState>> {
  const opened = await openRoutePort({ family, pause: noPause });
  if (!opened.ok) return opened;
  const read = await listRouting(opened.value);
  opened.value.close();
  return read;
}

async function listRouting(port: RoutePort): Promise<Outcome<RoutingState>> {
  const routes = await port.listRoutes(null);
  if (!routes.ok) return routes;
  const rules = await port.listRules();
  if (!rules.ok) return rules;
  const addresses = await port.listAddresses();
  if (!addresses.ok) return addresses;
  return succeed({ family: port.family, routes: routes.value, rules: rules.value, addresses: addresses.value });
}

interface NamedTable {
  readonly family: string;
  readonly name: string;
}

/** Tables that the nft variant of iptables keeps its rules in. */
function isIptablesTable(family: Family, { family: of, name }: NamedTable): boolean {
  return of === (family === 'IPv4' ? 'ip' : 'ip6') && (tableNames as readonly string[]).includes(name);
}

/**
 * Both variants are asked, since packets pass the rules of both; the legacy one only where its modules are in use. `covered`:
 * tables of nftables that were read this way.
 */
async function readRulesets(
  shell: Shell,
  family: Family,
  names: readonly NamedTable[] | null,
  gaps: string[],
): Promise<{ readonly rulesets: readonly RulesetState[]; readonly covered: ReadonlySet<string> }> {
  const legacy = await readText(`/proc/net/${family === 'IPv4' ? 'ip' : 'ip6'}_tables_names`);
  const used: Readonly<Record<Variant, readonly TableName[]>> = {
    nft: tableNames.filter((table) => names?.some((one) => isIptablesTable(family, one) && one.name === table) ?? true),
    legacy: tableNames.filter((table) => legacy.split('\n').includes(table)),
  };
  const rulesets: RulesetState[] = [];
  const covered = new Set<string>();
  for (const variant of ['nft', 'legacy'] as const) {
    if (used[variant].length === 0) continue;
    // oxlint-disable-next-line no-await-in-loop -- one resident shell
    const saved = await readVariant(shell, family, variant, used[variant]);
    if (!saved.ok) {
      gaps.push(`rules of iptables (${variant}): ${saved.problem.message}`);
      continue;
    }
    rulesets.push(saved.value);
    if (variant === 'nft') for (const table of used.nft) covered.add(table);
  }
  return { rulesets, covered };
}

/** A host may have the tools without a variant in their name only. */
async function readVariant(
  shell: Shell,
  family: Family,
  variant: Variant,
  tables: readonly TableName[],
): Promise<Outcome<RulesetState>> {
  const named = await createExecPort({ family, variant, shell }).save(tables);
  if (named.ok || named.problem.code !== 'WP_IPTABLES_TOOL_MISSING') return named;
  return createExecPort({ family, variant, shell, tools: toolNames(family, 'plain') }).save(tables);
}

/** Through netlink where that works, since the tool may be older than the kernel; `names` null: only our own is known. */
async function readTables(
  family: Family,
  names: readonly NamedTable[] | null,
  covered: ReadonlySet<string>,
  gaps: string[],
): Promise<readonly TableState[]> {
  const own = family === 'IPv4' ? 'ip' : 'ip6';
  const wanted = (names ?? [{ family: own, name: 'waypost' }]).flatMap((table) =>
    (table.family === own || table.family === 'inet') && !(isIptablesTable(family, table) && covered.has(table.name))
      ? [{ family: table.family === 'inet' ? 'inet' : own, name: table.name } as const]
      : [],
  );
  if (wanted.length === 0) return [];
  const opened = await openNetlinkNftPort({ pause: noPause });
  const port: NftPort = opened.ok ? opened.value : createExecNftPort();
  const tables: TableState[] = [];
  for (const { family: of, name } of wanted) {
    // oxlint-disable-next-line no-await-in-loop -- calls on a port are never concurrent
    const read = await port.readTable(of, name);
    if (!read.ok) gaps.push(`table ${of} ${name} of nftables: ${read.problem.message}`);
    else if (read.value !== null) tables.push(read.value);
  }
  await port.close();
  return tables;
}

/** Asking for virtual servers would load the module on a machine that has never used it. */
async function readServers(family: Family, gaps: string[]): Promise<readonly ListedServer[]> {
  if (!existsSync('/proc/net/ip_vs')) return [];
  const port = createIpvsNetlinkPort({ family, pause: noPause });
  const listed = await port.list();
  await port.close();
  if (!listed.ok) gaps.push(`virtual servers: ${listed.problem.message}`);
  return listed.ok ? listed.value : [];
}

async function readClientSets(ask: Ask, rulesets: readonly RulesetState[]): Promise<KernelReading['clientSets']> {
  const sets = new Map<string, ReadonlySet<string>>();
  const { usesSets, lists } = listClientSets(rulesets);
  const saved = usesSets ? await ask('ipset', 'save') : null;
  if (saved !== null) for (const [name, members] of parseSetMembers(saved)) sets.set(name, members);
  for (const name of lists) {
    // oxlint-disable-next-line no-await-in-loop -- small files of one folder
    const text = await readText(`/proc/net/xt_recent/${name}`);
    sets.set(name, new Set([...text.matchAll(/^src=(\S+)/gm)].map(([, address]) => address ?? '')));
  }
  return sets;
}

function sysctlPaths(family: Family, devices: ReadonlySet<string>): readonly string[] {
  if (family === 'IPv6') return ['net/ipv6/conf/all/forwarding'];
  const perDevice = ['all', ...devices].flatMap((device) =>
    ['rp_filter', 'route_localnet'].map((name) => `net/ipv4/conf/${device}/${name}`),
  );
  return ['net/ipv4/ip_forward', ...perDevice];
}

async function readTexts(folder: string, paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const texts = await Promise.all(paths.map(async (path) => [path, await readText(`${folder}/${path}`)] as const));
  return new Map(texts);
}

/** Empty where it cannot be read. */
async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

export interface FlowQuery {
  readonly family: Family;
  readonly protocol: Protocol;
  readonly destinationPort: number;
}

/** The connections to one port that tracking has now, whatever became of them. */
export async function readFlows({ family, protocol, destinationPort }: FlowQuery): Promise<Outcome<readonly ConntrackFlow[]>> {
  const port = createConntrackPort({ pause: noPause });
  const listed = await port.list({ family, protocol, destinationPorts: new Set([destinationPort]) });
  return listed.ok ? succeed(listed.value.flows) : listed;
}

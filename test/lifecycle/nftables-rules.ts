import type { Family } from '../../src/model/mod.ts';
import type { Place } from '../lab/mod.ts';

/** Where `nft` can be run. */
type Tool = Pick<Place, 'exec'>;

/** What another program has in nf_tables: its own table, with a set and a chain of its own. */
const foreignTable = `table inet other {
  set kube-ips { type ipv4_addr; elements = { 203.0.113.66 } }
  chain input { type filter hook input priority 10; policy accept; ip saddr @kube-ips tcp dport 1-9 counter drop; }
}
`;

export async function resetTables(place: Tool): Promise<void> {
  await must(place, ['-f', '-'], `flush ruleset\n${foreignTable}`);
}

export interface Tables {
  /** The whole set as text that two equal ones share: which back end has which slot depends on what was there before. */
  readonly all: string;
  /** Sets of remembered clients, and those that rules name. */
  readonly sets: string;
  readonly named: string;
}

/** What is not the agent's. */
export async function readForeignTable(place: Tool): Promise<string> {
  return await must(place, ['list', 'table', 'inet', 'other']);
}

/** Reads the tables of a place, of each of these families. */
export async function readTables(place: Tool, families: readonly Family[]): Promise<Tables> {
  const foreign = await readForeignTable(place);
  const lists = await Promise.all(
    families.map(async (family) => {
      const text = await must(place, ['-j', '-n', 'list', 'table', family === 'IPv4' ? 'ip' : 'ip6', 'kube-proxy']);
      return (JSON.parse(text) as { readonly nftables: readonly Listed[] }).nftables;
    }),
  );
  const rules = JSON.stringify(lists.flatMap((list) => list.filter((one) => 'rule' in one)));
  return {
    all: [foreign, ...lists.map(describeTable)].join('\n'),
    sets: unique(lists.flatMap((list) => list.flatMap(({ set }) => (isClients(set?.name) ? [set?.name ?? ''] : [])))),
    named: unique([...rules.matchAll(/@(clients_\w+)/g)].map(([, name = '']) => name)),
  };
}

interface ListedSet {
  readonly name: string;
  readonly elem?: readonly unknown[];
}

type Listed = Readonly<Record<string, unknown>> & { readonly set?: ListedSet; readonly map?: ListedSet };

function isClients(name: string | undefined): boolean {
  return name?.startsWith('clients_') ?? false;
}

function unique(names: readonly string[]): string {
  return [...new Set(names)].toSorted().join('\n');
}

/** A line for each object, sorted but for the rules of a chain. */
function describeTable(list: readonly Listed[]): string {
  const lines = list.flatMap((one) => {
    if ('metainfo' in one || 'rule' in one) return [];
    const set = one.set ?? one.map;
    return set === undefined ? [plain(one)] : [plain({ ...set, elem: undefined }), ...describeElements(set)];
  });
  const rules = Map.groupBy(
    list.flatMap(({ rule }) => (rule === undefined ? [] : [rule as { readonly chain: string }])),
    ({ chain }) => chain,
  );
  return [...lines, ...[...rules.values()].map((chain) => chain.map(plain).join('\n'))].toSorted().join('\n');
}

/** Slots without their numbers; remembered clients are nobody's doing but their own. */
function describeElements({ name, elem = [] }: ListedSet): readonly string[] {
  if (isClients(name)) return [];
  const isSlots = /_(?:tcp|udp|sctp)$/.test(name);
  return elem.map(
    (element) => `${name} ${isSlots ? JSON.stringify(element).replace(/,\d+\]\}/, ',#]}') : JSON.stringify(element)}`,
  );
}

function plain(value: unknown): string {
  return JSON.stringify(value, (key, part: unknown) => (key === 'handle' ? undefined : part));
}

async function must(place: Tool, args: readonly string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await place.exec('nft', args, input);
  if (code !== 0) throw new Error(`nft ${args.join(' ')}: ${stderr.trim()}`);
  return stdout;
}

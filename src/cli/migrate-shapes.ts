import { readProcServers } from '../ipvs/mod.ts';
import { families, familyOf } from '../model/mod.ts';
import type { Address, Family, ProxyMode } from '../model/mod.ts';
import type { MigrationFacts } from './migrate-facts.ts';
import { dummyInterface, findSets } from './predecessors.ts';

/** What one mode of kube-proxy has in the kernel in one family. */
export interface Shape {
  readonly mode: ProxyMode;
  readonly family: Family;
  /** Of Services, as far as the shape tells them apart: chains of service ports, or virtual servers. */
  readonly services: number;
  /** `37 chains KUBE-*` */
  readonly objects: string;
}

/** Virtual servers by whose they can be. */
export interface ServerCounts {
  /** On addresses of kube-proxy's interface. */
  readonly proxy: readonly string[];
  /** On addresses of the node, where kube-proxy has node ports and another program may have its own. */
  readonly node: readonly string[];
  /** On any other address or on a mark. */
  readonly foreign: readonly string[];
}

/** The mark that a rule for masquerading sets, by the texts of rules: `0x4000`; null: there is none. */
export function findMark(facts: Pick<MigrationFacts, 'rules' | 'tables'>): number | null {
  const texts = families.flatMap((family) => [facts.rules[family], facts.tables[family] ?? '']);
  for (const text of texts) {
    const [, mark] =
      /^-A KUBE-MARK-MASQ .*--(?:set-xmark|or-mark) (0x[0-9a-f]+)/m.exec(text) ??
      /chain mark-for-masquerade \{\s+(?:meta )?mark set (?:meta )?mark (?:\||or) (0x[0-9a-f]+)/.exec(text) ??
      [];
    if (mark !== undefined) return Number(mark);
  }
  return null;
}

/** An agent of ours has written these rules: kube-proxy lays its own out otherwise. */
function isOwnLayout(rules: string): boolean {
  return /^-A KUBE-SERVICES -j KUBE-SVC-IP$/m.test(rules);
}

/** Everything that a kube-proxy has in the kernel, of whichever mode. */
export function findShapes(facts: MigrationFacts): readonly Shape[] {
  return families.flatMap((family) => [
    ...findChains(family, facts),
    ...findTable(family, facts),
    ...findServerShape(family, facts),
  ]);
}

function findChains(family: Family, { rules }: MigrationFacts): readonly Shape[] {
  const text = rules[family];
  const chains = [...text.matchAll(/^:(KUBE-\S+)/gm)].map(([, name = '']) => name);
  // The chains of ipvs mode are part of its own shape; those that kubelet makes are nobody's leftovers.
  if (!chains.includes('KUBE-SERVICES') || chains.includes('KUBE-LOAD-BALANCER') || isOwnLayout(text)) return [];
  const services = new Set(chains.filter((name) => /^KUBE-SV[CL]-/.test(name)).map((name) => name.slice('KUBE-SVC-'.length)));
  return [{ mode: 'iptables', family, services: services.size, objects: `${chains.length} chains KUBE-*` }];
}

function findTable(family: Family, { tables }: MigrationFacts): readonly Shape[] {
  const text = tables[family];
  // Ours has the same name and other chains.
  if (text === null || !/^\s+chain (?:services|mark-for-masquerade) \{/m.test(text)) return [];
  const services = new Set([...text.matchAll(/^\s+chain (?:service|local)-(\S+) \{/gm)].map(([, name = '']) => name));
  const name = `${family === 'IPv4' ? 'ip' : 'ip6'} kube-proxy`;
  return [{ mode: 'nftables', family, services: services.size, objects: `the nftables table ${name}` }];
}

function findServerShape(family: Family, facts: MigrationFacts): readonly Shape[] {
  const addresses = proxyAddresses(facts).filter((address) => familyOf(address) === family);
  const sets = findSets(facts.sets, family);
  const chains = /^:KUBE-LOAD-BALANCER /m.test(facts.rules[family]);
  if (addresses.length === 0 && sets.length === 0 && !chains) return [];
  const servers = countServers(facts, family).proxy.length;
  const parts = [
    `${addresses.length} addresses of ${dummyInterface}`,
    `${servers} virtual servers on them`,
    `${sets.length} sets KUBE-*`,
    ...(chains ? ['the chains of that mode'] : []),
  ];
  return [{ mode: 'ipvs', family, services: servers, objects: parts.join(', ') }];
}

function proxyAddresses({ node }: MigrationFacts): readonly Address[] {
  return node.addresses.filter(({ device }) => device === dummyInterface).map(({ address }) => address);
}

/** The virtual servers of a family, or of both, in words. Those on marks are told once, with IPv4: the kernel's list has no family for them. */
export function countServers(facts: MigrationFacts, only: Family | null = null): ServerCounts {
  const listed = readProcServers(facts.node.virtualServers ?? '');
  const left = new Set(proxyAddresses(facts));
  const local = new Set(facts.node.addresses.map(({ address }) => address));
  const counts = { proxy: [] as string[], node: [] as string[], foreign: [] as string[] };
  for (const { key } of listed.ok ? listed.value : []) {
    if (key.kind === 'mark') {
      if (only !== 'IPv6') counts.foreign.push(`mark ${key.mark}`);
      continue;
    }
    if (only !== null && familyOf(key.address) !== only) continue;
    const where = left.has(key.address) ? counts.proxy : local.has(key.address) ? counts.node : counts.foreign;
    where.push(`${key.protocol} ${key.address} port ${key.port}`);
  }
  return counts;
}

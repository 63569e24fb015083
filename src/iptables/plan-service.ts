import type { DataPlaneSettings, Family, Frontend, Pool, Prefix, Route, ServiceKey } from '../model/mod.ts';
import type { DispatchEntry } from './dispatch-tree.ts';
import { chainNames, serviceChainName, transportName } from './names.ts';
import { podMatch } from './plan-base.ts';
import type { BaseOptions } from './plan-base.ts';
import { setsOf, spreadRules } from './plan-spread.ts';
import type { ClientMemory } from './plan-spread.ts';
import { renderRule } from './render.ts';
import type { AddressMatch, Match, Rule, RuleText } from './rule.ts';

/** The trees a frontend can be dispatched from. */
export type TreeName =
  | 'nat-ip'
  | 'nat-node-port'
  | 'reject-internal'
  | 'reject-external'
  | 'reject-node-port'
  | 'firewall'
  | 'closed'
  | 'health-check';

/** All that one Service wants in one family, before it is merged with its neighbours. */
export interface ServicePlan {
  readonly service: ServiceKey;
  /** Chains of the nat table that belong to this Service alone. */
  readonly chains: ReadonlyMap<string, readonly RuleText[]>;
  readonly entries: readonly { readonly tree: TreeName; readonly entry: DispatchEntry }[];
  /** The ipsets that the rules of its chains name; no other Service's rules do. */
  readonly sets: ReadonlySet<string>;
}

export interface ServiceOptions {
  readonly memory: ClientMemory;
  readonly strays: BaseOptions['strays'];
}

/** Frontends of a service port that send every packet the same way and enter the same chain. */
interface Group {
  readonly frontends: readonly Frontend[];
  readonly routes: Frontend['routes'];
  /** The chain the group's packets enter in nat, or null if none of them is forwarded. */
  readonly entry: string | null;
}

/**
 * Plans the rules of one Service. The chain of a pool holds the random choice among its back ends and,
 * before it, what must be decided for packets that enter there: whose source is rewritten, and which
 * clients are sent to the other pool. Frontends differ in nothing but the one rule that jumps to it.
 */
export function planService(
  service: ServiceKey,
  frontends: readonly Frontend[],
  settings: DataPlaneSettings,
  { memory, strays }: ServiceOptions,
): ServicePlan {
  const chains = new Map<string, readonly RuleText[]>();
  const entries: { tree: TreeName; entry: DispatchEntry }[] = [];
  for (const [servicePort, members] of Map.groupBy(frontends, (frontend) => frontend.servicePort)) {
    const groups = groupFrontends(servicePort, members);
    planChains(servicePort, groups, settings, memory, chains);
    for (const group of groups) {
      for (const frontend of group.frontends) entries.push(...planEntries(frontend, group));
    }
  }
  entries.push(...planHealthChecks(service, frontends), ...planClosed(service, frontends, strays));
  const sets = memory === 'sets' ? setsOf(frontends) : new Set<string>();
  return { service, chains, entries, sets };
}

/** The ClusterIP is one group; everything reached from outside the cluster is the other. */
function groupFrontends(servicePort: string, members: readonly Frontend[]): Group[] {
  const parts = [members.filter((one) => one.kind === 'ClusterIP'), members.filter((one) => one.kind !== 'ClusterIP')];
  return parts.flatMap((frontends) => {
    const routes = frontends[0]?.routes;
    return routes === undefined ? [] : [{ frontends, routes, entry: entryChain(servicePort, routes) }];
  });
}

function entryChain(servicePort: string, routes: Frontend['routes']): string | null {
  if (routes.outside.verdict === 'forward') return poolChain(routes.outside.pool, servicePort);
  const forwards = routes.pod.verdict === 'forward' || routes.node.verdict === 'forward';
  return forwards ? serviceChainName('EXT', servicePort) : null;
}

function poolChain(pool: Pool, servicePort: string): string {
  return serviceChainName(pool.key.endsWith('#local') ? 'SVL' : 'SVC', servicePort);
}

function planChains(
  servicePort: string,
  groups: readonly Group[],
  settings: DataPlaneSettings,
  memory: ClientMemory,
  chains: Map<string, readonly RuleText[]>,
): void {
  const pools = new Map<string, Pool>();
  for (const { routes } of groups) {
    for (const route of [routes.pod, routes.node, routes.outside]) {
      if (route.verdict === 'forward') pools.set(poolChain(route.pool, servicePort), route.pool);
    }
  }
  const first = groups[0]?.frontends[0];
  if (first === undefined) return;
  const names = new Set([...pools.keys(), ...groups.flatMap((group) => group.entry ?? [])]);
  for (const name of names) {
    const pool = pools.get(name);
    const spread = pool === undefined ? [] : spreadRules(pool, first, memory);
    const rules = [...planPrelude(name, servicePort, groups, settings), ...spread];
    chains.set(name, rules.map(renderRule));
  }
}

/** What is decided on entering a chain, group by group. */
function planPrelude(chain: string, servicePort: string, groups: readonly Group[], settings: DataPlaneSettings): Rule[] {
  const guests = groups.filter((group) => group.entry === chain || leadsTo(group, chain, servicePort));
  const visitors = guests.filter((group) => group.entry === chain);
  return visitors.flatMap((group) => preludeOf(chain, servicePort, group, guardOf(group, guests), settings));
}

/** True for a group that sends some of its packets on to a chain, after its own decisions. */
function leadsTo(group: Group, chain: string, servicePort: string): boolean {
  const { pod, node, outside } = group.routes;
  return [pod, node, outside].some((route) => route.verdict === 'forward' && poolChain(route.pool, servicePort) === chain);
}

/** Tells a group's packets from the other group's in a chain that both pass: by the one ClusterIP. */
function guardOf(group: Group, guests: readonly Group[]): AddressMatch | undefined {
  if (guests.length < 2) return undefined;
  const internal = guests.flatMap((one) => one.frontends).find((one) => one.kind === 'ClusterIP');
  if (internal === undefined || internal.address === null) return undefined;
  return { ...hostMatch(internal.address), not: group.frontends[0]?.kind !== 'ClusterIP' };
}

function preludeOf(
  chain: string,
  servicePort: string,
  group: Group,
  guard: AddressMatch | undefined,
  settings: DataPlaneSettings,
): Rule[] {
  const { pod, node, outside } = group.routes;
  const destination = guard === undefined ? {} : { destination: guard };
  const pods = podMatch(settings.podTraffic);
  if (sameRoute(node, outside)) {
    if (pods === null || sameRoute(pod, outside)) return markRules(outside, destination);
    const staysHere = pod.verdict === 'forward' && poolChain(pod.pool, servicePort) === chain;
    if (staysHere && !pod.masquerade) return markRules(outside, { ...destination, ...podMatch(settings.podTraffic, true) });
  }
  const rules: Rule[] = [];
  if (pods !== null) rules.push(...sendRules(pod, chain, servicePort, { ...destination, ...pods }));
  const isNode: Match = { kind: 'address-type', side: 'src', type: 'LOCAL', not: false };
  rules.push(...sendRules(node, chain, servicePort, destination, [isNode]), ...markRules(outside, destination));
  return rules;
}

type Selector = Pick<Rule, 'source' | 'destination' | 'inInterface'>;

/** Sends one class of clients to its pool's chain, or lets the packet fall out of the chain. */
function sendRules(route: Route, chain: string, servicePort: string, selector: Selector, matches: readonly Match[] = []): Rule[] {
  const target = route.verdict === 'forward' ? poolChain(route.pool, servicePort) : null;
  const send: Rule = { ...selector, matches, target: target === null ? { kind: 'return' } : { kind: 'jump', chain: target } };
  const marks = markRules(route, selector, matches);
  return target === chain ? marks : [...marks, send];
}

function markRules(route: Route, selector: Selector, matches: readonly Match[] = []): Rule[] {
  if (route.verdict !== 'forward' || !route.masquerade) return [];
  return [{ ...selector, matches, target: { kind: 'jump', chain: chainNames.markMasquerade } }];
}

function sameRoute(a: Route, b: Route): boolean {
  if (a.verdict !== 'forward' || b.verdict !== 'forward') return a.verdict === b.verdict;
  return a.pool.key === b.pool.key && a.masquerade === b.masquerade;
}

function planEntries(frontend: Frontend, group: Group): { tree: TreeName; entry: DispatchEntry }[] {
  const { entry: chain } = group;
  const entries: { tree: TreeName; entry: DispatchEntry }[] = [];
  const add = (tree: TreeName, rules: readonly Rule[]): void => {
    const { id, service: owner, address, protocol, port } = frontend;
    entries.push({ tree, entry: { id, owner, address, protocol, port, rules: rules.map(renderRule) } });
  };
  const toFrontend = frontendMatch(frontend);
  if (chain !== null) {
    const jump: Rule = { ...toFrontend, target: { kind: 'jump', chain } };
    const sources = frontend.allowedSources?.prefixes.map(prefixMatch);
    add(frontend.address === null ? 'nat-node-port' : 'nat-ip', sources?.map((source) => ({ ...jump, source })) ?? [jump]);
  }
  const refusal = [group.routes.outside, group.routes.pod, group.routes.node].find((route) => route.verdict !== 'forward');
  if (refusal !== undefined) {
    const target = refusal.verdict === 'drop' ? ({ kind: 'drop' } as const) : refuse(frontend.family);
    add(refusalTree(frontend), [{ ...toFrontend, target }]);
  }
  // Besides a refusal too: external refusals do not stand at output, where a process of the node is filtered.
  if (chain !== null && frontend.allowedSources !== null) {
    add('firewall', [{ ...toFrontend, target: { kind: 'drop' } }]);
  }
  return entries;
}

/** Load balancers reach the health check even where the host's own rules drop what is not allowed. */
function planHealthChecks(owner: ServiceKey, frontends: readonly Frontend[]): { tree: TreeName; entry: DispatchEntry }[] {
  const port = frontends[0]?.healthCheckPort ?? 0;
  if (port === 0) return [];
  const match: Match = { kind: 'destination-port', protocol: 'tcp', from: port, to: port, not: false };
  const comment: Match = { kind: 'comment', text: `${owner} health check` };
  const rule: Rule = { protocol: { name: 'tcp', not: false }, matches: [comment, match], target: { kind: 'accept' } };
  const entry: DispatchEntry = {
    id: `health/${port}/${owner}`,
    owner,
    address: null,
    protocol: 'TCP',
    port,
    rules: [renderRule(rule)],
  };
  return [{ tree: 'health-check', entry }];
}

/** One rule for each address of the Service that nobody else's packets are for, whatever their protocol and port. */
function planClosed(
  owner: ServiceKey,
  frontends: readonly Frontend[],
  strays: BaseOptions['strays'],
): { tree: TreeName; entry: DispatchEntry }[] {
  if (strays === null) return [];
  const closed = frontends.filter(({ address, exclusive = false }) => exclusive && address !== null);
  const samples = new Map(closed.map((frontend) => [frontend.address, frontend]));
  return [...samples.values()].flatMap(({ address, family, protocol, port }) => {
    if (address === null) return [];
    const target = strays === 'drop' ? ({ kind: 'drop' } as const) : refuse(family);
    const rule: Rule = { destination: hostMatch(address), matches: [{ kind: 'comment', text: owner }], target };
    const entry: DispatchEntry = { id: `closed/${address}/${owner}`, owner, address, protocol, port, rules: [renderRule(rule)] };
    return [{ tree: 'closed', entry }];
  });
}

function refuse(family: Family): Rule['target'] {
  return { kind: 'reject', with: family === 'IPv4' ? 'icmp-port-unreachable' : 'icmp6-port-unreachable' };
}

function refusalTree(frontend: Frontend): TreeName {
  if (frontend.kind === 'ClusterIP') return 'reject-internal';
  return frontend.address === null ? 'reject-node-port' : 'reject-external';
}

/** Destination, protocol and port; the comment names the Service for whoever reads the rules. */
function frontendMatch(frontend: Frontend): Omit<Rule, 'target'> {
  const name = transportName(frontend.protocol);
  const matches: Match[] = [
    { kind: 'comment', text: frontend.servicePort.replace(/:?\/[A-Z]+$/, '') },
    { kind: 'destination-port', protocol: name, from: frontend.port, to: frontend.port, not: false },
  ];
  const base = { protocol: { name, not: false }, matches };
  return frontend.address === null ? base : { ...base, destination: hostMatch(frontend.address) };
}

function hostMatch(address: AddressMatch['address']): AddressMatch {
  return { address, mask: address.includes(':') ? 128 : 32, not: false };
}

function prefixMatch(prefix: Prefix): AddressMatch {
  return { address: prefix.address, mask: prefix.length, not: false };
}

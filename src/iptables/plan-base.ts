import type { Address, DataPlaneSettings, Family, PodTraffic } from '../model/mod.ts';
import { hairpinProgram } from './bpf-programs.ts';
import { chainNames } from './names.ts';
import { renderRule } from './render.ts';
import type { ConntrackState, Match, Rule, RuleText, TableName } from './rule.ts';

/** Choices of this data plane that do not come with the frontends. */
export interface BaseOptions {
  readonly family: Family;
  /** Drop forwarded packets that conntrack calls INVALID (specification 6.2). */
  readonly dropInvalid: boolean;
  /** The kernel has the `bpf` match; without it a pod that reaches itself through its Service gets no answer. */
  readonly hairpin: boolean;
  /** What becomes of packets to closed addresses that are about to be sent on; null: no address is closed. */
  readonly strays: 'drop' | 'reject' | null;
}

/** A chain of ours that does not depend on any Service. */
export interface BaseChain {
  readonly table: TableName;
  readonly chain: string;
  readonly rules: readonly RuleText[];
}

/** A rule that must stand in a chain we share: a built-in chain, or one other programs fill as well. */
export interface SharedRule {
  readonly table: TableName;
  readonly chain: string;
  readonly rule: RuleText;
  /** Stays in the kernel on clean-up because another program relies on it too. */
  readonly keep: boolean;
}

/** The part of a rule that recognises pod traffic, or null where nothing does. */
export function podMatch(podTraffic: PodTraffic, not = false): Pick<Rule, 'source' | 'inInterface'> | null {
  switch (podTraffic.kind) {
    case 'none':
      return null;
    case 'source':
      return { source: { address: podTraffic.prefix.address, mask: podTraffic.prefix.length, not } };
    case 'interface':
      return { inInterface: { name: podTraffic.name, not } };
    case 'interface-prefix':
      return { inInterface: { name: `${podTraffic.prefix}+`, not } };
  }
}

/** The chains that every packet path shares; their size depends on settings only. */
export function planBaseChains(settings: DataPlaneSettings, options: BaseOptions): BaseChain[] {
  const chain = (table: TableName, name: string, rules: readonly Rule[]): BaseChain => ({
    table,
    chain: name,
    rules: rules.map(renderRule),
  });
  const mark = 2 ** settings.masqueradeBit;
  return [
    chain('nat', chainNames.markMasquerade, [{ matches: [], target: { kind: 'mark', value: mark, mask: mark } }]),
    chain('nat', chainNames.postrouting, postroutingRules(mark, options)),
    chain('nat', chainNames.services, serviceRules(settings, options.family)),
    chain('filter', chainNames.forward, forwardRules(mark, options)),
    chain('filter', chainNames.externalServices, refusalRules()),
    ...(['mangle', 'nat', 'filter'] as const).map((table) => chain(table, chainNames.canary, [])),
  ];
}

function postroutingRules(mark: number, options: BaseOptions): Rule[] {
  const { hairpin, family } = options;
  const translated: Match = { kind: 'conntrack', states: ['DNAT'], not: false };
  const toItself: Match = { kind: 'bpf', bytecode: hairpinProgram(family) };
  const markIt: Rule = { matches: [translated, toItself], target: { kind: 'jump', chain: chainNames.markMasquerade } };
  return [
    ...(hairpin ? [markIt] : []),
    { matches: [{ kind: 'mark', value: mark, mask: mark, not: true }], target: { kind: 'return' } },
    // Cleared before the packet leaves, so that one that passes again (a tunnel) is not rewritten twice.
    { matches: [], target: { kind: 'mark', value: 0, mask: mark } },
    { matches: [], target: { kind: 'masquerade', randomFully: true } },
  ];
}

/** Service addresses are tried before node ports, so a Service IP that is local wins over a node port. */
function serviceRules(settings: DataPlaneSettings, family: Family): Rule[] {
  const toNodePorts = { kind: 'jump', chain: chainNames.nodePorts } as const;
  const isLocal: Match = { kind: 'address-type', side: 'dst', type: 'LOCAL', not: false };
  const rules: Rule[] = [{ matches: [], target: { kind: 'jump', chain: chainNames.serviceIps } }];
  if (settings.nodePorts.kind === 'all-local') {
    // The kernel has no route_localnet for IPv6: a translated packet from ::1 could never come back.
    const withLoopback = settings.nodePorts.loopback && family === 'IPv4';
    rules.push({
      ...(withLoopback ? {} : { destination: { ...loopbackOf(family), not: true } }),
      matches: [isLocal],
      target: toNodePorts,
    });
  } else {
    for (const address of settings.nodePorts.addresses) {
      rules.push({ destination: { address, mask: family === 'IPv4' ? 32 : 128, not: false }, matches: [], target: toNodePorts });
    }
  }
  return rules;
}

/** Which packets can meet the refusal of an external frontend: those for its address, or for a local one. */
function refusalRules(): Rule[] {
  return [
    { matches: [], target: { kind: 'jump', chain: chainNames.externalIps } },
    {
      matches: [{ kind: 'address-type', side: 'dst', type: 'LOCAL', not: false }],
      target: { kind: 'jump', chain: chainNames.externalNodePorts },
    },
  ];
}

/** What was translated is for a back end by now: what is still for a closed address was taken by nothing, whatever its state. */
function forwardRules(mark: number, options: BaseOptions): Rule[] {
  const inState = (...states: ConntrackState[]): Match => ({ kind: 'conntrack', states, not: false });
  return [
    ...(options.strays === null ? [] : [{ matches: [], target: { kind: 'jump', chain: chainNames.closed } } as const]),
    // A stray segment that NAT did not translate would make the client reset a good connection.
    ...(options.dropInvalid ? [{ matches: [inState('INVALID')], target: { kind: 'drop' } } as const] : []),
    { matches: [{ kind: 'mark', value: mark, mask: mark, not: false }], target: { kind: 'accept' } },
    { matches: [inState('RELATED', 'ESTABLISHED')], target: { kind: 'accept' } },
  ];
}

/**
 * The jumps from built-in chains, in the order they should stand at the top of each. Matches and comments
 * are those kube-proxy writes, so its jumps are recognised and taken over instead of doubled.
 */
export function planSharedRules(settings: DataPlaneSettings, options: BaseOptions): SharedRule[] {
  const jump = (table: TableName, chain: string, to: string, comment: string, first: readonly Match[] = []): SharedRule => {
    const matches: readonly Match[] = [...first, { kind: 'comment', text: comment }];
    return { table, chain, rule: renderRule({ matches, target: { kind: 'jump', chain: to } }), keep: false };
  };
  const firewall = 'kubernetes load balancer firewall';
  const external = 'kubernetes externally-visible service portals';
  const portals = 'kubernetes service portals';
  const isNew: Match = { kind: 'conntrack', states: ['NEW'], not: false };
  const toLocal: Match = { kind: 'address-type', side: 'dst', type: 'LOCAL', not: false };
  return [
    jump('nat', 'PREROUTING', chainNames.services, portals),
    jump('nat', 'OUTPUT', chainNames.services, portals),
    jump('nat', 'POSTROUTING', chainNames.postrouting, 'kubernetes postrouting rules'),
    jump('filter', 'INPUT', chainNames.firewall, firewall, [isNew]),
    jump('filter', 'INPUT', chainNames.nodePorts, 'kubernetes health check service ports'),
    jump('filter', 'INPUT', chainNames.externalServices, external, [isNew]),
    jump('filter', 'FORWARD', chainNames.firewall, firewall, [isNew]),
    jump('filter', 'FORWARD', chainNames.forward, 'kubernetes forwarding rules'),
    jump('filter', 'FORWARD', chainNames.services, portals, [isNew]),
    jump('filter', 'FORWARD', chainNames.externalServices, external, [isNew]),
    jump('filter', 'OUTPUT', chainNames.firewall, firewall, [isNew]),
    jump('filter', 'OUTPUT', chainNames.services, portals, [isNew]),
    // What the node sends to itself would be refused on its way in, but conntrack knows the flow by then, for two minutes and
    // as one that is not translated: the same client port would still be refused when back ends have come.
    jump('filter', 'OUTPUT', chainNames.externalServices, external, [toLocal, isNew]),
    ...(servesLoopback(settings, options.family) ? antiMartianRules() : []),
  ];
}

/** True where 127.0.0.0/8 accepts node ports, which needs `net.ipv4.conf.all.route_localnet`. */
export function servesLoopback(settings: DataPlaneSettings, family: Family): boolean {
  if (family === 'IPv6') return false;
  const { nodePorts } = settings;
  return nodePorts.kind === 'all-local' ? nodePorts.loopback : nodePorts.addresses.some((address) => address.startsWith('127.'));
}

/**
 * With route_localnet a neighbour could reach sockets bound to 127.0.0.1 (CVE-2020-8558); this closes it.
 * The rule's text is kubelet's, who may have written it already.
 */
function antiMartianRules(): SharedRule[] {
  const block: Rule = {
    source: { ...loopbackOf('IPv4'), not: true },
    destination: { ...loopbackOf('IPv4'), not: false },
    matches: [
      { kind: 'comment', text: 'block incoming localnet connections' },
      { kind: 'conntrack', states: ['RELATED', 'ESTABLISHED', 'DNAT'], not: true },
    ],
    target: { kind: 'drop' },
  };
  const enter = renderRule({ matches: [], target: { kind: 'jump', chain: chainNames.hostFirewall } });
  return [
    { table: 'filter', chain: chainNames.hostFirewall, rule: renderRule(block), keep: true },
    { table: 'filter', chain: 'INPUT', rule: enter, keep: true },
    { table: 'filter', chain: 'OUTPUT', rule: enter, keep: true },
  ];
}

function loopbackOf(family: Family): { address: Address; mask: number } {
  return family === 'IPv4' ? { address: '127.0.0.0' as Address, mask: 8 } : { address: '::1' as Address, mask: 128 };
}

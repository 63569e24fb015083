import { clientClasses, protocolNumbers, protocols } from '../model/mod.ts';
import type { ClientClass, DataPlaneSettings, Family, Prefix, Protocol } from '../model/mod.ts';
import { clearMarkBits, inSet, match, matchNot, notInSet, setMarkBits } from './expression.ts';
import type { Statement } from './expression.ts';
import {
  exactSizes,
  lanes,
  masqueradeSet,
  masquerades,
  outsideLane,
  placeOf,
  planeFields,
  refusedSet,
  sizeSet,
  sizes,
  slotMap,
  splitSet,
  stickyMap,
} from './plane-sets.ts';
import type { Lane, Masquerade, Place, PlaneFields } from './plane-sets.ts';
import {
  accept,
  drop,
  filterChain,
  goto,
  hasBits,
  isNew,
  jump,
  leave,
  matchPods,
  plainChain,
  portUnreachable,
} from './side-context.ts';
import type { SideChain } from './side-context.ts';
import type { ChainHook } from './transaction.ts';

/** What the rules depend on besides elements. */
export interface PlaneContext {
  readonly family: Family;
  readonly settings: DataPlaneSettings;
  /** Ranges that ClusterIPs are of: what no Service has of them is dropped. */
  readonly serviceCidrs: readonly Prefix[];
  /** What becomes of a packet to an address of Services alone that no frontend took. */
  readonly strays: 'drop' | 'reject';
}

/**
 * How often a draw is repeated that met no back end. At worst half of the draws do, so that one connection in 64 is left over
 * for the rule behind, which draws from the lower half alone.
 */
const repeatedDraws = 6;

/**
 * The chains that are there whatever the Services are, affinity apart: what the Services are stands in sets and maps, so the
 * number of rules is constant and a change of elements is all that a change of a Service comes to. No verdict map leads
 * to these chains, since a jump that is added to one makes the kernel walk through all of its elements again.
 */
export function planChains(context: PlaneContext): readonly SideChain[] {
  const fields = planeFields(context.family);
  return [
    ...planFirewall(fields),
    ...planTranslation(context, fields),
    ...planRefusal(context, fields),
    planPostrouting(context, fields),
    ...lanes.flatMap((lane) => [planLane(fields, lane), ...protocols.flatMap((protocol) => planDraws(fields, lane, protocol))]),
  ];
}

/** Hooks and priorities are those that other software knows of kube-proxy (specification 12.2). */
function natChain(name: string, hook: ChainHook['hook'], priority: number, rules: SideChain['rules']): SideChain {
  return { name, hook: { type: 'nat', hook, priority }, rules };
}

/** Source ranges, before translation. */
function planFirewall({ saddr, destination }: PlaneFields): readonly SideChain[] {
  return [
    filterChain('firewall_prerouting', 'prerouting', -110, [[isNew, goto('firewall')]]),
    filterChain('firewall_output', 'output', -110, [[isNew, goto('firewall')]]),
    plainChain('firewall', [
      [inSet(destination.service, 'restricted'), notInSet([...destination.service, saddr], 'sources'), drop],
    ]),
  ];
}

/** Who sends decides; an address of a Service comes before a node port on it (specification 2.1). */
function planTranslation({ family, settings }: PlaneContext, fields: PlaneFields): readonly SideChain[] {
  const pods = matchPods(settings.podTraffic, fields.saddr);
  const bit = 2 ** settings.masqueradeBit;
  const nodePorts = matchNodePorts(settings, family, fields);
  return [
    natChain('prerouting', 'prerouting', -100, [...(pods === null ? [] : [[pods, goto('from_pod')]]), [goto('from_outside')]]),
    natChain('output', 'output', -100, [[goto('from_node')]]),
    ...clientClasses.flatMap((client) => [
      plainChain(`from_${client}`, [
        [inSet([fields.daddr], 'cluster_ips'), jump(`service_${client}`)],
        [inSet([fields.daddr], 'external_ips'), jump(`service_${client}`)],
        ...nodePorts.map((where) => [...where, goto(`node_port_${client}`)]),
      ]),
      plainChain(`service_${client}`, planClient(fields, client, 'service', bit)),
      plainChain(`node_port_${client}`, [
        // What the Service refuses at this very address and port.
        [inSet(fields.destination.service, refusedSet('service', 'reject')), accept],
        [inSet(fields.destination.service, refusedSet('service', 'drop')), accept],
        ...planClient(fields, client, 'node_port', bit),
      ]),
    ]),
  ];
}

/** `service_outside` and `node_port_outside` are the clients' chains; a lane's own begins with `lane_`. */
const laneChain = (lane: Lane): string => `lane_${lane}`;
const drawChain = (lane: Lane, protocol: Protocol): string => `draw_${lane}_${protocol.toLowerCase()}`;
const repeatChain = (lane: Lane, protocol: Protocol, size: number): string => `${drawChain(lane, protocol)}_${size}`;

function planClient(fields: PlaneFields, client: ClientClass, place: Place, bit: number): SideChain['rules'] {
  const key = fields.destination[place];
  const marked = (Object.keys(masquerades) as Masquerade[]).filter((who) =>
    (masquerades[who] as readonly ClientClass[]).includes(client),
  );
  const split: SideChain['rules'] =
    client === 'outside' ? [[inSet(key, splitSet(place)), goto(laneChain(outsideLane(place)))]] : [];
  return [...marked.map((who) => [inSet(key, masqueradeSet(place, who)), setMarkBits(bit)]), ...split, [goto(laneChain(place))]];
}

/** Which local addresses take node ports. Loopback never does: a translated packet from there could not leave (specification 2.1). */
function matchNodePorts(
  { nodePorts }: DataPlaneSettings,
  family: Family,
  { daddr }: PlaneFields,
): readonly (readonly Statement[])[] {
  if (nodePorts.kind === 'listed') return [[inSet([daddr], 'node_port_addresses')]];
  return [[match('fib daddr type', 'local'), matchNot(daddr, loopbackOf(family))]];
}

function loopbackOf(family: Family): Prefix | string {
  return family === 'IPv4' ? { family, address: '127.0.0.0' as Prefix['address'], length: 8 } : '::1';
}

/** What was not translated is refused, new connections alone (specification 3.3). */
function planRefusal({ family, settings, serviceCidrs, strays }: PlaneContext, fields: PlaneFields): readonly SideChain[] {
  const { daddr, destination } = fields;
  const refuse = (place: Place): SideChain['rules'] => [
    [inSet(destination[place], refusedSet(place, 'drop')), drop],
    [inSet(destination[place], refusedSet(place, 'reject')), portUnreachable],
  ];
  return [
    ...(['input', 'output'] as const).map((hook) => filterChain(`refuse_${hook}`, hook, 0, [[isNew, goto('refuse')]])),
    filterChain('refuse_forward', 'forward', 0, [
      [isNew, jump('refuse')],
      // Sent on, it would come back from whoever led it here, until its time to live is over.
      [inSet([daddr], 'closed_ips'), strays === 'drop' ? drop : portUnreachable],
    ]),
    plainChain('refuse', [
      [match('ct status', { anyOf: ['dnat'] }), leave],
      ...refuse('service'),
      ...matchNodePorts(settings, family, fields).map((where) => [...where, goto('refuse_node_port')]),
      [inSet([daddr], 'cluster_ips'), portUnreachable],
      ...serviceCidrs.filter((range) => range.family === family).map((range) => [match(daddr, range), drop]),
    ]),
    plainChain('refuse_node_port', refuse('node_port')),
  ];
}

function planPostrouting({ settings }: PlaneContext, { saddr, daddr }: PlaneFields): SideChain {
  const bit = 2 ** settings.masqueradeBit;
  return natChain('postrouting', 'postrouting', 100, [
    // Cleared, so that a packet that passes again (a tunnel) is not rewritten twice.
    [hasBits(bit), clearMarkBits(bit), { kind: 'masquerade', fullyRandom: true }],
    [inSet([saddr, daddr], 'hairpin'), { kind: 'masquerade', fullyRandom: true }],
  ]);
}

function planLane({ destination }: PlaneFields, lane: Lane): SideChain {
  return plainChain(laneChain(lane), [
    [{ kind: 'vmap', key: destination[placeOf(lane)], map: stickyMap(lane) }],
    ...protocols.map((protocol) => [match('l4proto', protocolNumbers[protocol]), goto(drawChain(lane, protocol))]),
  ]);
}

/**
 * Draws a back end. Small pools are drawn from exactly; the index of a large one may meet nobody and is drawn again. The last
 * rule takes the first slot: a pool that changes its size while a packet passes leaves no hole.
 */
function planDraws(fields: PlaneFields, lane: Lane, protocol: Protocol): readonly SideChain[] {
  const place = placeOf(lane);
  const isProtocol = match('l4proto', protocolNumbers[protocol]);
  const draw = (modulus: number): readonly Statement[] => [
    isProtocol,
    { kind: 'dnat', to: { key: [...fields.spot[place], { kind: 'random', modulus }], map: slotMap(lane, protocol) } },
  ];
  const isOf = (size: number): Statement => inSet(fields.destination[place], sizeSet(lane, size));
  return [
    plainChain(drawChain(lane, protocol), [
      ...sizes.map((size) =>
        size <= exactSizes ? [isOf(size), ...draw(size)] : [isOf(size), jump(repeatChain(lane, protocol, size))],
      ),
      draw(1),
    ]),
    ...sizes
      .filter((size) => size > exactSizes)
      .map((size) =>
        plainChain(repeatChain(lane, protocol, size), [
          ...Array.from({ length: repeatedDraws }, () => draw(size)),
          draw(size / 2),
        ]),
      ),
  ];
}

import { markLayout } from '../model/mod.ts';
import type { Family, SideClient, SideSettings } from '../model/mod.ts';
import { match, clearMarkBits, inSet, notInSet, setMarkBits } from './expression.ts';
import type { Statement } from './expression.ts';
import { planArrival, planCapture, planEcho, planRefusedEcho } from './side-arrival.ts';
import {
  accept,
  drop,
  filterChain,
  fromPeerLink,
  goto,
  hasBits,
  isNew,
  jump,
  leave,
  makeSideContext,
  matchElsewhere,
  matchLoopback,
  matchPodTraffic,
  matchTunnels,
  plainChain,
  portUnreachable,
  setMark,
  tcpReset,
} from './side-context.ts';
import type { SideChain, SideContext } from './side-context.ts';
import { dropMark, masqueradeMarks, ownMarks, rejectMark, stickyLane } from './side-marks.ts';
import { planClamp, planRewrite } from './side-rewrite.ts';
import { nodePortMap, nodePortRanges, serviceMap, serviceRanges, sideClients } from './side-sets.ts';

/**
 * The chains that are there whatever the entries are. Their number of rules is constant: entries are elements of the
 * sets that the rules look up. Priorities: the balancer takes packets at INPUT 99 and OUTPUT -98 (spec/ipvs.md 2.1).
 */
export function planFixedChains(family: Family, settings: SideSettings): readonly SideChain[] {
  const context = makeSideContext(family, settings);
  return [
    planArrival(context),
    ...planRewrite(context),
    ...planCapture(context),
    ...planEntrance(context),
    plainChain('guard', planGuard(context)),
    ...sideClients.flatMap((client) => planClient(context, client)),
    plainChain('from_link', planLink(context)),
    ...planAct(),
    ...planExit(context),
    planForward(context),
    plainChain('refuse', planRefuse(context)),
    plainChain('refuse_captured', [[match('l4proto', 6), tcpReset], [goto('refuse')]]),
    ...(family === 'IPv4' ? [planLoopback(context), ...planEcho(context)] : []),
  ];
}

/** Where packets arrive, up to the decision. */
function planEntrance(context: SideContext): readonly SideChain[] {
  const { captureBit } = context;
  return [
    filterChain('input', 'input', 90, [
      [hasBits(captureBit), clearMarkBits(captureBit)],
      // What the node sends to itself was decided in OUTPUT.
      [match('iifname', 'lo'), leave],
      ...(context.family === 'IPv4' ? [planMartians(context)] : []),
      [jump('guard')],
      // Never as of clients outside: what was sent on once is not sent on again.
      ...matchTunnels(context).map((tunnel) => [tunnel, goto('from_peer')]),
      [fromPeerLink, goto('from_link')],
      ...planClientClasses(context),
    ]),
    filterChain('output', 'output', -101, [
      ...planRefusedEcho(context),
      ...(context.family === 'IPv4'
        ? [[matchLoopback(context), inSet(['l4proto', 'dport'], 'loopback_refused'), isNew, portUnreachable]]
        : []),
      [jump('guard')],
      [goto('from_node')],
    ]),
  ];
}

function planClientClasses(context: SideContext): SideChain['rules'] {
  const fromPod = matchPodTraffic(context);
  return [...(fromPod === null ? [] : [[fromPod, goto('from_pod')]]), [goto('from_outside')]];
}

/**
 * Loopback node ports need `route_localnet`, which lets neighbours on the link reach 127.0.0.0/8 (CVE-2020-8558); no
 * packet from outside gets there.
 */
function planMartians(context: SideContext): readonly Statement[] {
  const untold = match('ct state', { anyOf: ['new', 'invalid', 'untracked'] });
  return [matchLoopback(context), matchElsewhere(context), untold, drop];
}

/** A restricted port has its own sources; those of a range are for the rest of it. */
function planGuard({ fields }: SideContext): SideChain['rules'] {
  const { destination, saddr } = fields;
  return [
    [inSet(destination, 'restricted'), notInSet([...destination, saddr], 'sources'), isNew, drop],
    [
      inSet(destination, 'restricted_ranges'),
      notInSet(destination, 'restricted'),
      notInSet([...destination, saddr], 'source_ranges'),
      isNew,
      drop,
    ],
  ];
}

/** A packet whose destination is in no map keeps its mark: the rule ends at the lookup, before anything is set. */
function planClient(context: SideContext, client: SideClient): readonly SideChain[] {
  const { settings, fields } = context;
  const acceptsNodePorts =
    settings.nodePorts.kind === 'all-local' ? match('fib daddr type', 'local') : inSet([fields.daddr], 'node_port_addresses');
  const ofNodePort = (map: string): readonly Statement[] => [
    { kind: 'mark', to: { key: ['l4proto', 'dport'], map } },
    goto('act'),
  ];
  return [
    plainChain(`from_${client}`, [
      ...planServices(context, client),
      [acceptsNodePorts, notInSet([fields.daddr], 'protected'), matchLoopback(context, true), goto(`node_ports_${client}`)],
    ]),
    plainChain(`node_ports_${client}`, [ofNodePort(nodePortMap(client)), ofNodePort(nodePortRanges(client))]),
  ];
}

function planServices({ fields }: SideContext, client: SideClient): SideChain['rules'] {
  return [serviceMap(client), serviceRanges(client)].map((map) => [
    { kind: 'mark', to: { key: fields.destination, map } },
    goto('act'),
  ]);
}

/**
 * From the link-layer address of another node come what it sends on and what its own processes and pods send. Destinations
 * that are sent on have decisions for peers, so all else is of clients like any others.
 */
function planLink(context: SideContext): SideChain['rules'] {
  return [...planServices(context, 'peer'), ...planClientClasses(context)];
}

/** What the decision's mark asks for, except what the balancer does. */
function planAct(): readonly SideChain[] {
  const isReject = match('mark', rejectMark);
  const isDrop = match('mark', dropMark);
  const pick: Statement = { kind: 'vmap', key: ['mark'], map: 'sticky' };
  return [
    plainChain('act', [
      [isReject, isNew, portUnreachable],
      [isDrop, isNew, drop],
      [isReject, setMark(0), accept],
      [isDrop, setMark(0), accept],
      [match('mark', stickyLane(true)), goto('pick_masquerade')],
      [match('mark', stickyLane(false)), pick],
    ]),
    plainChain('pick_masquerade', [[clearMarkBits(markLayout.masquerade)], [pick], [setMarkBits(markLayout.masquerade)]]),
  ];
}

/** Where packets come back from the balancer, or were not taken by it. */
function planExit(context: SideContext): readonly SideChain[] {
  const { fields, masqueradeBit } = context;
  const clearOwn: SideChain['rules'] = [
    [match('mark', ownMarks), setMark(0)],
    [inSet(['mark'], 'lanes'), setMark(0)],
  ];
  const toMasquerade = setMark(masqueradeBit);
  return [
    filterChain('first_output', 'output', -350, [
      ...planReturn([match('mark', masqueradeMarks), inSet(['mark'], 'masqueraded_lanes')], toMasquerade),
      ...clearOwn.map((rule) => [...rule, accept]),
      [goto('rewrite')],
    ]),
    filterChain('late_input', 'input', 110, [
      ...clearOwn,
      [inSet(fields.destination, 'captured'), goto('refuse_captured')],
      [inSet(fields.destination, 'captured_ranges'), goto('refuse_captured')],
      // What an interception took before the balancer, or a rule of somebody who knows why: no balancer takes it untracked.
      [inSet([fields.daddr], 'protected'), match('ct state', { anyOf: ['untracked'] }), accept],
      [inSet([fields.daddr], 'protected'), goto('refuse')],
    ]),
    {
      name: 'postrouting',
      hook: { type: 'nat', hook: 'postrouting', priority: 100 },
      rules: [
        [hasBits(masqueradeBit), clearMarkBits(masqueradeBit), { kind: 'masquerade', fullyRandom: true }],
        [inSet([fields.saddr, fields.daddr], 'hairpin'), { kind: 'masquerade', fullyRandom: true }],
      ],
    },
    // Chains of type nat see the first packet of a connection only.
    filterChain('late_postrouting', 'postrouting', 300, [
      [hasBits(masqueradeBit), clearMarkBits(masqueradeBit)],
      ...clearOwn,
      ...planClamp(context),
      [goto('restore')],
    ]),
  ];
}

/** What the balancer sends on passes OUTPUT and not here, so whatever is here for a closed address was taken by nothing. */
function planForward({ settings, fields }: SideContext): SideChain {
  return filterChain('forward', 'forward', 0, [
    [inSet([fields.daddr], 'closed'), settings.strays === 'drop' ? drop : portUnreachable],
  ]);
}

/**
 * Marks of ours at OUTPUT -350 are on packets that the balancer sends on (net/netfilter/ipvs/ip_vs_xmit.c calls OUTPUT once
 * more), or on packets for which a process asked for such a mark (SO_MARK, which takes CAP_NET_ADMIN). A packet of a process
 * has not met connection tracking (-200) yet, one of the balancer has kept its connection; only that is masqueraded, and a
 * packet without one cannot be. Either way the mark is gone before the balancer looks at OUTPUT (-98): no process reaches a
 * server of a mark by itself.
 */
function planReturn(lanes: readonly Statement[], toMasquerade: Statement): SideChain['rules'] {
  const tracked = match('ct state', { anyOf: ['new', 'established', 'related'] });
  return lanes.map((lane) => [lane, tracked, toMasquerade, accept]);
}

/**
 * For packets to addresses of Services that the balancer did not take. A segment in the middle of a TCP connection is
 * answered with a reset, since a client gives up an established connection for nothing less.
 */
function planRefuse({ settings, fields }: SideContext): SideChain['rules'] {
  const isEcho = match(fields.icmpType, fields.echoRequest);
  return [
    ...fields.vitalIcmp.map((type) => [match(fields.icmpType, type), accept]),
    [isEcho, settings.echo === 'answer' ? accept : { kind: 'reject', with: 'admin-prohibited' }],
    // Connections that the node itself opened from such an address.
    [match('ct direction', 'reply'), accept],
    [match('l4proto', 6), match('tcp flags', { mask: 0x02, equals: 0 }), tcpReset],
    [portUnreachable],
  ];
}

function planLoopback(context: SideContext): SideChain {
  const dispatch: Statement = { kind: 'vmap', key: ['l4proto', 'dport'], map: 'loopback' };
  return {
    name: 'loopback_output',
    hook: { type: 'nat', hook: 'output', priority: -100 },
    rules: [[matchLoopback(context), dispatch]],
  };
}

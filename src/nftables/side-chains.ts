import { markLayout, parsePrefix } from '../model/mod.ts';
import type { ClientClass, Family, SideSettings } from '../model/mod.ts';
import { match, matchNot, clearMarkBits, inSet, notInSet, setMarkBits } from './expression.ts';
import type { Statement } from './expression.ts';
import { sideFields } from './side-fields.ts';
import type { SideFields } from './side-fields.ts';
import { dropMark, masqueradeMarks, ownMarks, rejectMark, stickyLane } from './side-marks.ts';
import { nodePortMap, refusedSet, serviceMap } from './side-sets.ts';
import type { Chain, ChainHook } from './transaction.ts';

/** A chain with all it has to hold. */
export interface SideChain extends Chain {
  readonly rules: readonly (readonly Statement[])[];
}

interface Context {
  readonly family: Family;
  readonly settings: SideSettings;
  readonly fields: SideFields;
  readonly captureBit: number;
  readonly masqueradeBit: number;
}

const isNew = match('ct state', { anyOf: ['new'] });
const goto = (name: string): Statement => ({ kind: 'goto', chain: name });
const accept: Statement = { kind: 'accept' };
const drop: Statement = { kind: 'drop' };
const setMark = (mark: number): Statement => ({ kind: 'mark', to: mark });
const hasBits = (bits: number): Statement => match('mark', { mask: bits, equals: bits });
const portUnreachable: Statement = { kind: 'reject', with: 'port-unreachable' };

/**
 * The chains that are there whatever the entries are. Their number of rules is constant: entries are elements of the
 * sets that the rules look up. Priorities: the balancer takes packets at INPUT 99 and OUTPUT -98 (spec/ipvs.md 2.1).
 */
export function planFixedChains(family: Family, settings: SideSettings): readonly SideChain[] {
  const context: Context = {
    family,
    settings,
    fields: sideFields(family),
    captureBit: 2 ** settings.captureBit,
    masqueradeBit: 2 ** settings.masqueradeBit,
  };
  return [
    ...planEntrance(context),
    chain('guard', null, planGuard(context)),
    ...(['pod', 'node', 'outside'] as const).map((client) => chain(`from_${client}`, null, planClient(context, client))),
    ...planAct(),
    ...planExit(context),
    chain('refuse', null, planRefuse(context)),
    ...(family === 'IPv4' ? [planLoopback(), ...planEcho(context)] : []),
  ];
}

function chain(name: string, hook: ChainHook | null, rules: SideChain['rules']): SideChain {
  return { name, hook, rules };
}

function filter(name: string, hook: ChainHook['hook'], priority: number, rules: SideChain['rules']): SideChain {
  return chain(name, { type: 'filter', hook, priority }, rules);
}

/** Where packets arrive, up to the decision. */
function planEntrance(context: Context): readonly SideChain[] {
  const { captureBit } = context;
  const fromPod = matchPodTraffic(context);
  return [
    ...planCapture(context),
    filter('input', 'input', 90, [
      [hasBits(captureBit), clearMarkBits(captureBit)],
      // What the node sends to itself was decided in OUTPUT.
      [match('iifname', 'lo'), { kind: 'return' }],
      ...(context.family === 'IPv4' ? [planMartians(context)] : []),
      [{ kind: 'jump', chain: 'guard' }],
      ...(fromPod === null ? [] : [[fromPod, goto('from_pod')]]),
      [goto('from_outside')],
    ]),
    filter('output', 'output', -101, [
      ...planRefusedEcho(context),
      ...(context.family === 'IPv4'
        ? [[matchLoopback(context), inSet(['l4proto', 'dport'], 'loopback_refused'), isNew, portUnreachable]]
        : []),
      [{ kind: 'jump', chain: 'guard' }],
      [goto('from_node')],
    ]),
  ];
}

/**
 * Loopback node ports need `route_localnet`, which lets neighbours on the link reach 127.0.0.0/8 (CVE-2020-8558); no
 * packet from outside gets there.
 */
function planMartians(context: Context): readonly Statement[] {
  const untold = match('ct state', { anyOf: ['new', 'invalid', 'untracked'] });
  return [matchLoopback(context), matchNot(context.fields.saddr, loopbackPrefix), untold, drop];
}

/**
 * IPv4 sends no ICMP error and no reset from an address that is not in the local routing table, so clients of captured
 * addresses are rejected before routing: then the error comes from an address of the node (net/ipv4/icmp.c, route.c).
 */
function planCapture(context: Context): readonly SideChain[] {
  const { fields, captureBit } = context;
  const take = setMarkBits(captureBit);
  const toCaptured = inSet([fields.daddr], 'captured_addresses');
  const fromPod = matchPodTraffic(context);
  const refuse = (client: 'pod' | 'outside'): readonly Statement[] => [
    inSet(fields.destination, refusedSet(client)),
    isNew,
    portUnreachable,
  ];
  return [
    filter('capture', 'prerouting', -150, [
      [hasBits(captureBit), clearMarkBits(captureBit)],
      [inSet(fields.destination, 'captured'), goto('capture_port')],
      [match('l4proto', fields.icmpProtocol), match('ct state', { anyOf: ['related'] }), toCaptured, take],
      ...planCapturedEcho(context, toCaptured, take),
    ]),
    chain('capture_port', null, [...(fromPod === null ? [] : [[fromPod, goto('capture_pod')]]), refuse('outside'), [take]]),
    chain('capture_pod', null, [refuse('pod'), [take]]),
  ];
}

/** Refused here for the same reason; an answer of IPv4 is the business of {@link planEcho}. */
function planCapturedEcho(context: Context, toCaptured: Statement, take: Statement): SideChain['rules'] {
  const { family, settings, fields } = context;
  if (settings.echo === 'refuse') return planRefusedEcho(context);
  return family === 'IPv6' ? [[match(fields.icmpType, fields.echoRequest), toCaptured, take]] : [];
}

function planRefusedEcho({ settings, fields }: Context): SideChain['rules'] {
  if (settings.echo === 'answer') return [];
  const isEcho = match(fields.icmpType, fields.echoRequest);
  return [[isEcho, inSet([fields.daddr], 'captured_addresses'), { kind: 'reject', with: 'admin-prohibited' }]];
}

/**
 * IPv4 sends no echo reply from an address that is not in the local routing table: an address of the node answers in the
 * place of a captured one, and the answer is translated back.
 */
function planEcho({ settings: { echoAddress }, fields }: Context): readonly SideChain[] {
  const isEcho = match(fields.icmpType, fields.echoRequest);
  const toCaptured = inSet([fields.daddr], 'captured_addresses');
  const rules: SideChain['rules'] =
    echoAddress === null ? [] : [[isEcho, toCaptured, { kind: 'dnat', to: { address: echoAddress, port: null } }]];
  return [
    chain('echo_in', { type: 'nat', hook: 'prerouting', priority: -100 }, rules),
    chain('echo_out', { type: 'nat', hook: 'output', priority: -100 }, rules),
  ];
}

function planGuard({ fields }: Context): SideChain['rules'] {
  return [[inSet(fields.destination, 'restricted'), notInSet([...fields.destination, fields.saddr], 'sources'), isNew, drop]];
}

/** A packet whose destination is in no map keeps its mark: the rule ends at the lookup, before anything is set. */
function planClient(context: Context, client: ClientClass): SideChain['rules'] {
  const { settings, fields } = context;
  const acceptsNodePorts =
    settings.nodePorts.kind === 'all-local' ? match('fib daddr type', 'local') : inSet([fields.daddr], 'node_port_addresses');
  return [
    [{ kind: 'mark', to: { key: fields.destination, map: serviceMap(client) } }, goto('act')],
    [
      acceptsNodePorts,
      notInSet([fields.daddr], 'protected'),
      matchLoopback(context, true),
      { kind: 'mark', to: { key: ['l4proto', 'dport'], map: nodePortMap(client) } },
      goto('act'),
    ],
  ];
}

/** What the decision's mark asks for, except what the balancer does. */
function planAct(): readonly SideChain[] {
  const isReject = match('mark', rejectMark);
  const isDrop = match('mark', dropMark);
  const pick: Statement = { kind: 'vmap', key: ['mark'], map: 'sticky' };
  return [
    chain('act', null, [
      [isReject, isNew, portUnreachable],
      [isDrop, isNew, drop],
      [isReject, setMark(0), accept],
      [isDrop, setMark(0), accept],
      [match('mark', stickyLane(true)), goto('pick_masquerade')],
      [match('mark', stickyLane(false)), pick],
    ]),
    chain('pick_masquerade', null, [[clearMarkBits(markLayout.masquerade)], [pick], [setMarkBits(markLayout.masquerade)]]),
  ];
}

/** Where packets come back from the balancer, or were not taken by it. */
function planExit({ fields, masqueradeBit }: Context): readonly SideChain[] {
  const clearOwn: readonly Statement[] = [match('mark', ownMarks), setMark(0)];
  return [
    filter('first_output', 'output', -350, [[match('mark', masqueradeMarks), setMark(masqueradeBit)], clearOwn]),
    filter('late_input', 'input', 110, [
      clearOwn,
      [inSet(fields.destination, 'captured'), match('l4proto', 6), { kind: 'reject', with: 'tcp-reset' }],
      [inSet(fields.destination, 'captured'), goto('refuse')],
      // What an interception took before the balancer, or a rule of somebody who knows why: no balancer takes it untracked.
      [inSet([fields.daddr], 'protected'), match('ct state', { anyOf: ['untracked'] }), accept],
      [inSet([fields.daddr], 'protected'), goto('refuse')],
    ]),
    chain('postrouting', { type: 'nat', hook: 'postrouting', priority: 100 }, [
      [hasBits(masqueradeBit), clearMarkBits(masqueradeBit), { kind: 'masquerade', fullyRandom: true }],
      [inSet([fields.saddr, fields.daddr], 'hairpin'), { kind: 'masquerade', fullyRandom: true }],
    ]),
    // Chains of type nat see the first packet of a connection only.
    filter('late_postrouting', 'postrouting', 300, [[hasBits(masqueradeBit), clearMarkBits(masqueradeBit)], clearOwn]),
  ];
}

/**
 * For packets to addresses of Services that the balancer did not take. A segment in the middle of a TCP connection is
 * answered with a reset, since a client gives up an established connection for nothing less.
 */
function planRefuse({ settings, fields }: Context): SideChain['rules'] {
  const isEcho = match(fields.icmpType, fields.echoRequest);
  return [
    ...fields.vitalIcmp.map((type) => [match(fields.icmpType, type), accept]),
    [isEcho, settings.echo === 'answer' ? accept : { kind: 'reject', with: 'admin-prohibited' }],
    // Connections that the node itself opened from such an address.
    [match('ct direction', 'reply'), accept],
    [match('l4proto', 6), match('tcp flags', { mask: 0x02, equals: 0 }), { kind: 'reject', with: 'tcp-reset' }],
    [portUnreachable],
  ];
}

function planLoopback(): SideChain {
  const dispatch: Statement = { kind: 'vmap', key: ['l4proto', 'dport'], map: 'loopback' };
  return chain('loopback_output', { type: 'nat', hook: 'output', priority: -100 }, [
    [match('ip daddr', loopbackPrefix), dispatch],
  ]);
}

const loopbackPrefix = parsePrefix('127.0.0.0/8') ?? '127.0.0.1';

function matchLoopback({ family, fields }: Context, negated = false): Statement {
  const value = family === 'IPv4' ? loopbackPrefix : '::1';
  return negated ? matchNot(fields.daddr, value) : match(fields.daddr, value);
}

function matchPodTraffic({ settings: { podTraffic }, fields }: Context): Statement | null {
  switch (podTraffic.kind) {
    case 'none':
      return null;
    case 'source':
      return match(fields.saddr, podTraffic.prefix);
    case 'interface':
      return match('iifname', podTraffic.name);
    case 'interface-prefix':
      return match('iifname', { startsWith: podTraffic.prefix });
  }
}

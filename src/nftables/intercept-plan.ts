import { familyOf, interceptLease, protocolNumbers } from '../model/mod.ts';
import type { Capture, Family, InterceptWish, PodTraffic } from '../model/mod.ts';
import { inSet, match, matchNot, notInSet } from './expression.ts';
import type { FieldName, RewriteStatement, Source, Statement } from './expression.ts';
import { addChain, addRules } from './side-context.ts';
import { sideFields } from './side-fields.ts';
import { defineSet } from './transaction.ts';
import type { Chain, Command, Element, SetDefinition, TableName } from './transaction.ts';

export const interceptTable: TableName = { family: 'inet', name: 'waypost_dns' };

/** The whole table as values. */
export interface InterceptPlan {
  readonly sets: readonly { readonly set: SetDefinition; readonly elements: readonly Element[] }[];
  readonly chains: readonly { readonly chain: Chain; readonly rules: readonly (readonly Statement[])[] }[];
}

/**
 * In front of connection tracking (-200) and of raw tables (-300). A priority of -400 and less is before fragments are put
 * together, which have no ports.
 */
const beforeTracking = -310;
/** Behind IPVS (99) and behind what its side rules refuse (110). */
const afterBalancers = 120;

const accept: Statement = { kind: 'accept' };
const drop: Statement = { kind: 'drop' };
const leave: Statement = { kind: 'return' };
const notrack: Statement = { kind: 'notrack' };
const protocols = ['udp', 'tcp'] as const;

/** A key that is the same for every packet: it is in the set or it is not. */
const always: readonly Source[] = [{ kind: 'random', modulus: 1 }];

/** Filled by beats and by nothing else: a change of a set by a packet is none of the rules, so nobody's listing restarts. */
const alive = defineSet({
  name: 'alive',
  key: ['random'],
  dynamic: true,
  timeout: true,
  timeoutSeconds: interceptLease.seconds,
  size: 16,
  comment: 'the lease',
});

/** What the table is called in for one family. */
interface Names {
  readonly family: Family;
  readonly saddr: FieldName;
  readonly daddr: FieldName;
  readonly icmp: number;
  /** Map: address, protocol and port to the port of the socket. */
  readonly captured: SetDefinition;
  /** Map: the way back. */
  readonly replies: SetDefinition;
  /** Sockets that listen on the port that clients ask. */
  readonly direct: SetDefinition;
  /** Sockets of all captures. */
  readonly doors: SetDefinition;
  readonly addresses: SetDefinition;
}

function nameAll(family: Family): Names {
  const [digit, type] = family === 'IPv4' ? (['4', 'ipv4'] as const) : (['6', 'ipv6'] as const);
  const place = { key: [type, 'protocol', 'port'], size: 1024 } as const;
  const { saddr, daddr, icmpProtocol } = sideFields(family);
  return {
    family,
    saddr,
    daddr,
    icmp: icmpProtocol,
    captured: defineSet({ name: `captured${digit}`, ...place, value: ['port'] }),
    replies: defineSet({ name: `replies${digit}`, ...place, value: ['port'] }),
    direct: defineSet({ name: `direct${digit}`, ...place }),
    doors: defineSet({ name: `doors${digit}`, ...place }),
    addresses: defineSet({ name: `addresses${digit}`, key: [type], size: 1024 }),
  };
}

const both: readonly Names[] = [nameAll('IPv4'), nameAll('IPv6')];
const to = ({ daddr }: Names): readonly Source[] => [daddr, 'l4proto', 'dport'];
const from = ({ saddr }: Names): readonly Source[] => [saddr, 'l4proto', 'sport'];

/** `beatPort`: both ports of the datagram that renews the lease. */
export function planIntercept(wish: InterceptWish, beatPort: number): InterceptPlan {
  return {
    // It begins alive: the first beat is on its way only when the rules are there.
    sets: [{ set: alive, elements: [{ key: [0] }] }, ...both.flatMap((names) => planSets(names, wish.captures))],
    chains: [planTake(), planArriving(wish), planLeaving(beatPort), planRefusal()],
  };
}

/** A transaction that puts the plan in the place of whatever there was. */
export function writeIntercept({ sets, chains }: InterceptPlan, owned: boolean): readonly Command[] {
  return [
    { kind: 'add-table' },
    { kind: 'delete-table' },
    owned ? { kind: 'add-table', owned } : { kind: 'add-table' },
    ...sets.map(({ set }): Command => ({ kind: 'add-set', set })),
    ...sets.flatMap(addElements),
    ...chains.map(({ chain }) => addChain(chain)),
    ...chains.flatMap(({ chain: { name }, rules }) => addRules({ name, rules })),
  ];
}

/**
 * A transaction that makes another plan out of one that is written. Chains and sets stay what they are: a table in the place
 * of another would let packets pass that find the hook of the one gone and that of the other not there yet.
 */
export function rewriteIntercept({ sets, chains }: InterceptPlan): readonly Command[] {
  const refilled = sets.filter(({ set }) => !set.dynamic);
  return [
    ...refilled.map(({ set }): Command => ({ kind: 'flush-set', set })),
    ...refilled.flatMap(addElements),
    ...chains.map(({ chain }): Command => ({ kind: 'flush-chain', chain: chain.name })),
    ...chains.flatMap(({ chain: { name }, rules }) => addRules({ name, rules })),
  ];
}

function addElements({ set, elements }: InterceptPlan['sets'][number]): readonly Command[] {
  return elements.length === 0 ? [] : [{ kind: 'add-elements', set, elements }];
}

/** A transaction after which nothing more is captured. */
export function writeRelease(): readonly Command[] {
  return [{ kind: 'flush-set', set: alive }];
}

function planSets(names: Names, all: readonly Capture[]): InterceptPlan['sets'] {
  const captures = all.filter(({ address }) => familyOf(address) === names.family);
  const moved = captures.filter(({ port, listenPort }) => port !== listenPort);
  const key = ({ address, protocol }: Capture, port: number): Element['key'] => [address, protocolNumbers[protocol], port];
  const distinct = (elements: readonly Element[]): readonly Element[] => [
    ...new Map(elements.map((element) => [element.key.join(' '), element])).values(),
  ];
  return [
    { set: names.captured, elements: distinct(moved.map((one) => ({ key: key(one, one.port), value: [one.listenPort] }))) },
    { set: names.replies, elements: distinct(moved.map((one) => ({ key: key(one, one.listenPort), value: [one.port] }))) },
    {
      set: names.direct,
      elements: distinct(captures.filter((one) => !moved.includes(one)).map((one) => ({ key: key(one, one.port) }))),
    },
    { set: names.doors, elements: distinct(captures.map((one) => ({ key: key(one, one.listenPort) }))) },
    { set: names.addresses, elements: distinct(captures.map(({ address }) => ({ key: [address] }))) },
  ];
}

/** For packets of clients. Goes back to where it was called for everything that is not captured. */
function planTake(): InterceptPlan['chains'][number] {
  const move = (names: Names, protocol: (typeof protocols)[number]): readonly Statement[] => [
    rewrite(`${protocol} dport`, to(names), names.captured),
    notrack,
    accept,
  ];
  return {
    chain: { name: 'take', hook: null },
    rules: [
      ...both.map((names) => [inSet(to(names), names.direct.name), notrack, accept]),
      [notInSet(always, alive.name), leave],
      // The kernel would put the difference of the ports in the place of a checksum that IPv4 allows to leave out (RFC 768).
      [match('udp checksum', 0), leave],
      ...both.flatMap((names) => protocols.map((protocol) => move(names, protocol))),
    ],
  };
}

function rewrite(field: RewriteStatement['field'], key: readonly Source[], { name }: SetDefinition): Statement {
  return { kind: 'rewrite', field, to: { key, map: name } };
}

function planArriving({ clients }: InterceptWish): InterceptPlan['chains'][number] {
  const untracked = match('ct state', { anyOf: ['untracked'] });
  return {
    chain: { name: 'arriving', hook: { type: 'filter', hook: 'prerouting', priority: beforeTracking } },
    rules: [
      // What the node sends to itself was taken where it left.
      [match('iifname', 'lo'), leave],
      ...clients.flatMap(matchClient).map((client) => [client, { kind: 'jump', chain: 'take' } as const]),
      // Nobody comes to a socket but by a capture: ours, or that of an agent of which we are taking over.
      ...both.map((names) => [inSet(to(names), names.doors.name), untracked, accept]),
      ...both.map((names) => [inSet(to(names), names.doors.name), drop]),
    ],
  };
}

function matchClient(client: PodTraffic): readonly Statement[] {
  switch (client.kind) {
    case 'none':
      return [];
    case 'source':
      return [match(client.prefix.family === 'IPv4' ? 'ip saddr' : 'ip6 saddr', client.prefix)];
    case 'interface':
      return [match('iifname', client.name)];
    case 'interface-prefix':
      return [match('iifname', { startsWith: client.prefix })];
  }
}

function planLeaving(beatPort: number): InterceptPlan['chains'][number] {
  const beat: readonly Statement[] = [
    match('ip saddr', '127.0.0.1'),
    match('ip daddr', '127.0.0.1'),
    match('l4proto', protocolNumbers.UDP),
    match('sport', beatPort),
    match('dport', beatPort),
    { kind: 'update', operation: 'update', set: alive.name, key: always, timeoutSeconds: null, value: null },
    notrack,
    accept,
  ];
  const back = (names: Names, protocol: (typeof protocols)[number]): readonly Statement[] => [
    rewrite(`${protocol} sport`, from(names), names.replies),
    notrack,
    accept,
  ];
  return {
    chain: { name: 'leaving', hook: { type: 'filter', hook: 'output', priority: beforeTracking } },
    rules: [
      beat,
      ...both.map((names) => [inSet(from(names), names.direct.name), notrack, accept]),
      ...both.flatMap((names) => protocols.map((protocol) => back(names, protocol))),
      [{ kind: 'jump', chain: 'take' }],
      ...both.map((names) => [inSet(to(names), names.doors.name), drop]),
    ],
  };
}

/** The addresses are local, and no other socket of the node shall be reached by them. */
function planRefusal(): InterceptPlan['chains'][number] {
  return {
    chain: { name: 'refusing', hook: { type: 'filter', hook: 'input', priority: afterBalancers } },
    rules: both.map((names) => [
      inSet([names.daddr], names.addresses.name),
      matchNot('l4proto', names.icmp),
      notInSet(to(names), names.doors.name),
      { kind: 'reject', with: 'port-unreachable' },
    ]),
  };
}

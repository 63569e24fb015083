import { describe, expect, test } from 'vitest';
import { parseAddress, parsePrefix, startWorld, stepsOf } from '../model/mod.ts';
import type { Address, PacketWorld, StageEnd, TraceHost, TracedConnection } from '../model/mod.ts';
import { clearMarkBits, inSet, match, matchNot, notInSet, setMarkBits } from './expression.ts';
import type { Source, Statement } from './expression.ts';
import type { ChainState, SetState, TableState } from './port.ts';
import { createTableStages } from './trace-stages.ts';
import { defineSet } from './transaction.ts';
import type { ChainHook, Element, SetDefinition, TableFamily } from './transaction.ts';

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === null) throw new TypeError(text);
  return parsed;
}

const host: TraceHost = {
  family: 'IPv4',
  addressType: (one) => (one === '192.0.2.11' ? 'local' : 'unicast'),
  masqueradeAddress: (_, device) => (device === 'lost' ? null : address('192.0.2.11')),
};

type Rules = readonly (readonly Statement[] | null)[];

function chain(hook: ChainHook | null, rules: Rules): ChainState {
  return {
    chain: { name: '', hook },
    rules: rules.map((statements, index) => ({ handle: index + 10, statements, comment: null })),
  };
}

const forward: ChainHook = { type: 'filter', hook: 'forward', priority: 0 };

interface Content {
  readonly hook?: ChainHook;
  readonly chains?: Readonly<Record<string, Rules>>;
  readonly sets?: readonly (readonly [
    set: Pick<SetDefinition, 'name' | 'key'> & Partial<SetDefinition>,
    elements: readonly Element[],
  ])[];
  readonly family?: TableFamily;
}

function table(rules: Rules, { hook = forward, chains = {}, sets = [], family = 'ip' }: Content = {}): TableState {
  return {
    family,
    name: 't',
    chains: new Map([
      ['base', chain(hook, rules)],
      ...Object.entries(chains).map(([name, inner]) => [name, chain(null, inner)] as const),
    ]),
    sets: new Map(
      sets.map(([definition, elements]): [string, SetState] => [definition.name, { set: defineSet(definition), elements }]),
    ),
  };
}

interface Change {
  readonly destination?: string;
  readonly port?: number;
  readonly protocol?: 'TCP' | 'UDP' | 'SCTP';
  readonly mark?: number;
  readonly link?: string;
  readonly outDevice?: string;
  readonly connection?: Partial<TracedConnection>;
}

function worldOf({
  destination = '10.96.0.1',
  port = 80,
  protocol = 'TCP',
  mark = 0,
  link,
  outDevice = 'eth0',
  connection,
}: Change): PacketWorld {
  const world = startWorld({
    packet: {
      family: 'IPv4',
      protocol,
      source: address('10.1.0.5'),
      sourcePort: 40_000,
      destination: address(destination),
      destinationPort: port,
    },
    inDevice: 'veth5',
    mark,
    link: link ?? null,
    memory: new Map(),
  });
  return { ...world, outDevice, connection: { ...world.connection, state: 'new', ...connection } };
}

function walk(state: TableState, change: Change = {}): readonly StageEnd[] {
  const [stage] = createTableStages(state, 'IPv4');
  const walked = stage?.walk(worldOf(change), host);
  if (walked === undefined || !walked.ok) throw new Error(walked?.problem.message ?? 'no stage');
  return walked.value;
}

function verdicts(state: TableState, change: Change = {}): readonly string[] {
  return walk(state, change).map(({ verdict }) => verdict);
}

const drop: Statement = { kind: 'drop' };
const accept: Statement = { kind: 'accept' };
const portKey: readonly Source[] = ['ip daddr', 'l4proto', 'dport'];

describe('single statements', () => {
  const drops = (statements: readonly Statement[], change: Change = {}, content: Content = {}): boolean =>
    verdicts(table([[...statements, drop]], content), change)[0] === 'drop';

  test.each<[string, Statement, boolean, Change?]>([
    ['an address', match('ip daddr', '10.96.0.1'), true],
    ['of the other family', match('ip6 daddr', 'fd00::1'), false],
    ['that it is not', matchNot('ip daddr', '10.96.0.1'), false],
    ['a prefix', match('ip saddr', parsePrefix('10.1.0.0/16') ?? '?'), true],
    ['a range of ports', match('dport', { from: 79, to: 81 }), true],
    ['beyond it', match('dport', { from: 81, to: 90 }), false],
    ['a range of addresses', match('ip daddr', { from: '10.95.255.255', to: '10.96.0.1' }), true],
    ['beyond that', match('ip daddr', { from: '9.0.0.0', to: '10.96.0.0' }), false],
    ['a protocol', match('l4proto', 17), false],
    ['bits of a mark', match('mark', { mask: 0x4000, equals: 0x4000 }), true, { mark: 0x4001 }],
    ['the highest bit', match('mark', { mask: 0x80000000, equals: 0x80000000 }), true, { mark: 0x80000000 }],
    ['the beginning of a device', match('iifname', { startsWith: 'veth' }), true],
    ['a device', match('oifname', 'eth1'), false],
    ['flags of a first segment', match('tcp flags', { mask: 0x02, equals: 0x02 }), true],
    ['which a datagram has not', match('tcp flags', { mask: 0x02, equals: 0 }), false, { protocol: 'UDP' }],
    ['a state', match('ct state', { anyOf: ['new', 'invalid'] }), true],
    ['before tracking', match('ct state', { anyOf: ['invalid'] }), true, { connection: { state: 'none' } }],
    ['taken from tracking', match('ct state', { anyOf: ['untracked'] }), true, { connection: { state: 'untracked' } }],
    ['a direction', match('ct direction', 'reply'), false],
    ['that nothing untracked has', matchNot('ct direction', 'reply'), false, { connection: { state: 'untracked' } }],
    [
      'a translation',
      match('ct status', { anyOf: ['dnat'] }),
      true,
      { connection: { translated: { destination: true, source: false } } },
    ],
    ['a type of address', match('fib daddr type', 'local'), true, { destination: '192.0.2.11' }],
    ['of another type', match('fib daddr type', 'local'), false],
    ['a link-layer address', match('ether saddr', '02:00:00:00:00:01'), true, { link: '02:00:00:00:00:01' }],
    ['which is not known', matchNot('ether saddr', '02:00:00:00:00:01'), false],
    ['ICMP, which no Service is', match('icmp type', 8), false],
  ])('matches %s', (_, statement, expected, change = {}) => {
    expect(drops([statement], change)).toBe(expected);
  });

  const services = [
    { name: 'exact', key: ['ipv4', 'protocol', 'port'] },
    [{ key: ['10.96.0.1', 6, 80] }, { key: ['10.96.0.1', 6, 443] }],
  ] as const;
  const ranges = [
    { name: 'ranges', key: ['ipv4', 'protocol', 'port'], interval: true },
    [{ key: [parsePrefix('10.96.0.0/24') ?? '?', 6, { from: 79, to: 81 }] }],
  ] as const;

  test.each<[string, Statement, boolean, Change?]>([
    ['a key', inSet(portKey, 'exact'), true],
    ['no key', inSet(portKey, 'exact'), false, { port: 81 }],
    ['another key', notInSet(portKey, 'exact'), true, { port: 81 }],
    ['an interval', inSet(portKey, 'ranges'), true],
    ['none', inSet(portKey, 'ranges'), false, { port: 82 }],
    ['none of this protocol', inSet(portKey, 'ranges'), false, { protocol: 'UDP' }],
  ])('finds %s in a set', (_, statement, expected, change = {}) => {
    expect(drops([statement], change, { sets: [services, ranges] })).toBe(expected);
  });
});

describe('verdicts', () => {
  test('a jump comes back, a goto goes back to who jumped', () => {
    const chains = {
      outer: [[{ kind: 'goto', chain: 'inner' }], [setMarkBits(2)]],
      inner: [[setMarkBits(1)], [{ kind: 'return' }], [drop]],
    } as const;
    const [end] = walk(table([[{ kind: 'jump', chain: 'outer' }], [setMarkBits(4)], [clearMarkBits(8)]], { chains }), {
      mark: 8,
    });
    expect([end?.verdict, end?.world.mark]).toEqual(['accept', 5]);
  });

  test('a verdict map decides where it has the key, and lets go on where it has not', () => {
    const sets = [
      [
        { name: 'map', key: ['port'], value: 'verdict' },
        [
          { key: [80], value: { kind: 'goto', chain: 'refuse' } },
          { key: [443], value: drop },
        ],
      ],
    ] as const;
    const chains = { refuse: [[{ kind: 'reject', with: 'tcp-reset' }]] } as const;
    const state = table([[{ kind: 'vmap', key: ['dport'], map: 'map' }, accept]], { sets, chains });
    expect([80, 443, 22].map((port) => verdicts(state, { port }))).toEqual([['reject'], ['drop'], ['accept']]);
    const [end] = walk(state);
    expect(end && stepsOf(end.world).map(({ place, effects }) => [place, effects])).toEqual([
      [
        'nft ip t base 1',
        [
          { kind: 'found', set: 'map', element: '80 : goto refuse' },
          { kind: 'jump', chain: 'refuse' },
        ],
      ],
      ['nft ip t refuse 1', [{ kind: 'reject', with: 'tcp-reset' }]],
    ]);
  });

  test('a rule that breaks off keeps what it has done', () => {
    const sets = [[{ name: 'empty', key: ['port'] }, []]] as const;
    const [end] = walk(table([[setMarkBits(1), inSet(['dport'], 'empty'), drop]], { sets }));
    expect([end?.verdict, end?.world.mark]).toEqual(['accept', 1]);
  });
});

describe('maps and chance', () => {
  const picks = [
    { name: 'picks', key: ['mark', 'random'], value: ['mark'] },
    [
      { key: [7, 0], value: [100] },
      { key: [7, 1], value: [101] },
      { key: [7, 2], value: [101] },
    ],
  ] as const;
  const pick: Statement = { kind: 'mark', to: { key: ['mark', { kind: 'random', modulus: 3 }], map: 'picks' } };

  test('every index is a way of its own', () => {
    const ends = walk(table([[pick]], { sets: [picks] }), { mark: 7 });
    expect(ends.map(({ world }) => world.mark)).toEqual([100, 101, 101]);
    for (const { world } of ends) expect(world.probability).toBeCloseTo(1 / 3, 9);
  });

  test('a key that a map lacks leaves the rule, whatever the index', () => {
    const ends = walk(table([[pick, drop]], { sets: [picks] }), { mark: 8 });
    // One way, and not one for each index: many draws one after the other would be no end of ways.
    expect(ends.map(({ verdict, world }) => [verdict, world.mark])).toEqual([['accept', 8]]);
    expect(ends[0]?.world.probability).toBeCloseTo(1, 9);
  });

  test('a lookup that draws has the chance of what it met', () => {
    const sets = [[{ name: 'drawn', key: ['mark', 'random'] }, [{ key: [7, 0] }]]] as const;
    const lookup: Statement = { kind: 'lookup', set: 'drawn', key: ['mark', { kind: 'random', modulus: 3 }], negated: false };
    const ends = walk(table([[lookup, drop]], { sets }), { mark: 7 });
    const shares = ends.map(({ verdict, world }) => [verdict, world.probability.toFixed(6)]);
    expect(shares.toSorted()).toEqual([
      ['accept', '0.666667'],
      ['drop', '0.333333'],
    ]);
  });

  test('translates to what a map says, and only once the packet is tracked by it', () => {
    const targets = [
      { name: 'targets', key: ['port', 'random'], value: ['ipv4', 'tcp port'] },
      [
        { key: [80, 0], value: ['10.1.0.6', 8080] },
        { key: [80, 1], value: ['10.1.0.7', 9090] },
      ],
    ] as const;
    const hook: ChainHook = { type: 'nat', hook: 'prerouting', priority: -100 };
    const dnat: Statement = { kind: 'dnat', to: { key: ['dport', { kind: 'random', modulus: 2 }], map: 'targets' } };
    const state = table([[match('l4proto', 6), dnat]], { hook, sets: [targets] });
    const ends = walk(state);
    expect(
      ends.map(({ world: { packet, connection } }) => [packet.destination, packet.destinationPort, connection.translated]),
    ).toEqual([
      ['10.1.0.6', 8080, { destination: true, source: false }],
      ['10.1.0.7', 9090, { destination: true, source: false }],
    ]);
    expect(createTableStages(state, 'IPv4').map(({ nat, hook: at, priority }) => [nat, at, priority])).toEqual([
      [true, 'prerouting', -100],
    ]);
  });

  test('what a rule remembers is found by a later one, and what it takes out is not', () => {
    const clients = [
      { name: 'clients', key: ['ipv4'], value: ['mark'], dynamic: true, timeout: true },
      [{ key: ['10.1.0.5'], value: [100], timeoutSeconds: 60 }],
    ] as const;
    const recall: Statement = { kind: 'mark', to: { key: ['ip saddr'], map: 'clients' } };
    const change = (operation: 'update' | 'delete'): Statement => ({
      kind: 'update',
      operation,
      set: 'clients',
      key: ['ip saddr'],
      timeoutSeconds: null,
      value: 'mark',
    });
    const markOf = (rules: Rules): number | undefined => walk(table(rules, { sets: [clients] }), { mark: 5 })[0]?.world.mark;
    expect(markOf([[recall]])).toBe(100);
    expect(markOf([[change('delete')], [recall]])).toBe(5);
    expect(markOf([[change('update')], [setMarkBits(1)], [recall]])).toBe(5);
  });
});

describe('changes of the packet', () => {
  test('a port is rewritten before tracking, and taken from it', () => {
    const to = { key: portKey, map: 'rewrites' };
    const sets = [
      [
        { name: 'rewrites', key: ['ipv4', 'protocol', 'port'], value: ['port'] },
        [{ key: ['10.96.0.1', 6, 80], value: [10_080] }],
      ],
    ] as const;
    const [end] = walk(table([[{ kind: 'rewrite', field: 'tcp dport', to }], [{ kind: 'notrack' }]], { sets }), {
      connection: { state: 'none' },
    });
    expect([end?.world.packet.destinationPort, end?.world.connection.state]).toEqual([10_080, 'untracked']);
    // The rule is for TCP: its match is implied.
    const [other] = walk(table([[{ kind: 'rewrite', field: 'tcp dport', to }]], { sets }), { protocol: 'UDP' });
    expect(other?.world.packet.destinationPort).toBe(80);
  });

  test('masquerades as the node; without an address the packet is dropped', () => {
    const hook: ChainHook = { type: 'nat', hook: 'postrouting', priority: 100 };
    const state = table([[{ kind: 'masquerade', fullyRandom: true }]], { hook });
    expect(walk(state).map(({ world }) => world.packet.source)).toEqual(['192.0.2.11']);
    expect(verdicts(state, { outDevice: 'lost' })).toEqual(['drop']);
  });
});

describe('what is not known', () => {
  const reasons = (state: TableState): readonly string[] =>
    walk(state).flatMap(({ world }) =>
      stepsOf(world).flatMap(({ place, effects }) =>
        effects.flatMap((effect) => (effect.kind === 'unknown' ? [`${place}: ${effect.reason}`] : [])),
      ),
    );

  test('is a step, and the walk goes on', () => {
    expect(reasons(table([null, [accept]]))).toEqual(['nft ip t base 1: the rule says what is not known here']);
    expect(reasons(table([[inSet(['dport'], 'absent'), drop]]))).toEqual([
      'nft ip t base 1: absent holds what is not known here',
    ]);
    expect(reasons(table([[{ kind: 'jump', chain: 'absent' }]]))).toEqual(['nft ip t base 1: chain absent does not exist']);
    const loop = { loop: [[{ kind: 'jump', chain: 'loop' }]] } as const;
    expect(reasons(table([[{ kind: 'jump', chain: 'loop' }]], { chains: loop })).join()).toContain('leads back to itself');
  });

  test('tables of another family have no stages, those of both have', () => {
    expect(createTableStages(table([[drop]], { family: 'ip6' }), 'IPv4')).toEqual([]);
    expect(createTableStages(table([[drop]], { family: 'inet' }), 'IPv4')).toHaveLength(1);
  });
});

import { parsePrefix } from '../model/mod.ts';
import type { Prefix } from '../model/mod.ts';
import { clearMarkBits, inSet, match, matchNot, notInSet, setMarkBits } from './expression.ts';
import type { Source, Statement } from './expression.ts';
import { defineSet } from './transaction.ts';
import type { Chain, Command, DatumType, Element, SetDefinition, TableName, Transaction } from './transaction.ts';

/** A prefix by its text. */
export function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (parsed === null) throw new TypeError(`not a prefix: ${text}`);
  return parsed;
}

/** Every kind of statement, set and element in a table of one family: what both drivers must write alike and read back. */
export interface Samples {
  readonly table: TableName;
  readonly chains: readonly Chain[];
  readonly sets: readonly { readonly set: SetDefinition; readonly elements: readonly Element[] }[];
  /** Rules by the chain they belong to. */
  readonly rules: readonly { readonly chain: string; readonly statements: readonly Statement[]; readonly comment?: string }[];
}

interface Words {
  readonly family: 'ip' | 'ip6';
  readonly type: DatumType;
  readonly saddr: 'ip saddr' | 'ip6 saddr';
  readonly daddr: 'ip daddr' | 'ip6 daddr';
  readonly original: 'ct original ip daddr' | 'ct original ip6 daddr';
  readonly reply: 'ct reply ip saddr' | 'ct reply ip6 saddr';
  readonly one: string;
  readonly other: string;
  /** A prefix of whole bytes, one that is not, and the last one there is. */
  readonly prefixes: readonly [Prefix, Prefix, Prefix];
}

const words: Readonly<Record<'ip' | 'ip6', Words>> = {
  ip: {
    family: 'ip',
    type: 'ipv4',
    saddr: 'ip saddr',
    daddr: 'ip daddr',
    original: 'ct original ip daddr',
    reply: 'ct reply ip saddr',
    one: '10.0.0.1',
    other: '10.0.0.9',
    prefixes: [prefix('10.1.0.0/16'), prefix('10.2.0.0/17'), prefix('255.255.255.0/24')],
  },
  ip6: {
    family: 'ip6',
    type: 'ipv6',
    saddr: 'ip6 saddr',
    daddr: 'ip6 daddr',
    original: 'ct original ip6 daddr',
    reply: 'ct reply ip6 saddr',
    one: 'fd00::1',
    other: 'fd00::9',
    prefixes: [prefix('fd00:1::/64'), prefix('fd00:2::/65'), prefix('ffff::/16')],
  },
};

/** The samples of a family, in a table of that name. */
export function makeSamples(family: 'ip' | 'ip6', name = 'samples'): Samples {
  const word = words[family];
  return { table: { family, name }, chains: sampleChains, sets: sampleSets(word), rules: sampleRules(word) };
}

/** A transaction that makes all of a table. */
export function buildSamples({ table, chains, sets, rules }: Samples): Transaction {
  return {
    table,
    commands: [
      { kind: 'add-table' },
      ...chains.map((chain): Command => ({ kind: 'add-chain', chain })),
      ...sets.map(({ set }): Command => ({ kind: 'add-set', set })),
      ...sets
        .filter(({ elements }) => elements.length > 0)
        .map(({ set, elements }): Command => ({ kind: 'add-elements', set, elements })),
      ...rules.map(({ chain, statements, comment }): Command => ({
        kind: 'add-rule',
        chain,
        rule: { statements, ...(comment === undefined ? {} : { comment }) },
      })),
    ],
  };
}

const sampleChains: readonly Chain[] = [
  { name: 'capture', hook: { type: 'filter', hook: 'prerouting', priority: -150 } },
  { name: 'first', hook: { type: 'filter', hook: 'output', priority: -350 } },
  { name: 'rerouted', hook: { type: 'route', hook: 'output', priority: 5 } },
  { name: 'refused', hook: { type: 'filter', hook: 'input', priority: 110 } },
  { name: 'translated', hook: { type: 'nat', hook: 'output', priority: -100 } },
  { name: 'hidden', hook: { type: 'nat', hook: 'postrouting', priority: 100 } },
  { name: 'plain', hook: null },
  { name: 'target', hook: null },
  { name: 'other_target', hook: null },
];

function sampleSets(word: Words): Samples['sets'] {
  return [...membershipSamples(word), ...mapSamples(word), ...targetSamples(word)];
}

const set = defineSet;

function membershipSamples({ type, one, other, prefixes }: Words): Samples['sets'] {
  return [
    {
      set: set({ name: 'addresses', key: [type], comment: 'a remark' }),
      elements: [{ key: [one] }, { key: [other], comment: 'why' }],
    },
    {
      set: set({ name: 'captured', key: [type, 'protocol', 'port'] }),
      elements: [{ key: [one, 6, 80] }, { key: [one, 17, 53], comment: 'dns' }, { key: [other, 132, 65_535] }],
    },
    { set: set({ name: 'pairs', key: [type, type] }), elements: [{ key: [one, one] }] },
    {
      set: set({ name: 'sources', key: [type, 'protocol', 'port', type], interval: true }),
      elements: [
        { key: [one, 6, 80, prefixes[0]] },
        { key: [one, 6, 80, other] },
        { key: [other, { from: 6, to: 17 }, { from: 80, to: 90 }, prefixes[1]], comment: 'many' },
      ],
    },
    {
      set: set({ name: 'protected', key: [type], interval: true, comment: 'ranges' }),
      elements: [{ key: [one] }, { key: [prefixes[0]], comment: 'pods' }, { key: [prefixes[1]] }, { key: [prefixes[2]] }],
    },
    {
      set: set({ name: 'service_ranges', key: [type, 'protocol', 'port'], value: ['mark'], interval: true }),
      elements: [
        { key: [one, 6, { from: 4000, to: 4999 }], value: [0x101] },
        { key: [one, 17, { from: 1, to: 65_535 }], value: [0x102], comment: 'all' },
      ],
    },
    {
      set: set({ name: 'neighbours', key: ['link'] }),
      elements: [{ key: ['aa:bb:cc:dd:ee:0f'] }, { key: ['00:00:00:00:00:01'] }],
    },
    { set: set({ name: 'known', key: [type, 'link'] }), elements: [{ key: [one, 'aa:bb:cc:dd:ee:ff'] }] },
    {
      set: set({ name: 'ports', key: ['port'], interval: true }),
      elements: [{ key: [{ from: 30_000, to: 32_767 }] }, { key: [0] }],
    },
    {
      set: set({ name: 'areas', key: [type], value: ['mark'], interval: true }),
      elements: [
        { key: [prefixes[0]], value: [1] },
        { key: [prefixes[2]], value: [2], comment: 'last' },
      ],
    },
  ];
}

function mapSamples({ type, one }: Words): Samples['sets'] {
  return [
    { set: set({ name: 'empty', key: ['mark'], size: 7 }), elements: [] },
    { set: set({ name: 'links', key: ['interface'] }), elements: [{ key: ['lo'] }, { key: ['a23456789012345'] }] },
    { set: set({ name: 'fixed', key: ['protocol'], constant: true }), elements: [{ key: [6] }, { key: [17] }] },
    {
      set: set({ name: 'services', key: [type, 'protocol', 'port'], value: ['mark'] }),
      elements: [
        { key: [one, 6, 80], value: [0x4_00_00_01], comment: 'a b' },
        { key: [one, 17, 53], value: [0xff_ff_ff_ff] },
      ],
    },
    { set: set({ name: 'nodeports', key: ['protocol', 'port'], value: ['mark'] }), elements: [{ key: [6, 30_080], value: [5] }] },
    {
      set: set({ name: 'clients', key: [type], value: ['mark'], dynamic: true, timeout: true }),
      elements: [{ key: [one], value: [7], timeoutSeconds: 10_800, comment: 'old' }],
    },
    { set: set({ name: 'recent', key: [type], dynamic: true, timeout: true, timeoutSeconds: 90 }), elements: [] },
    { set: set({ name: 'aging', key: [type], timeout: true, timeoutSeconds: 3600 }), elements: [{ key: [one] }] },
    { set: set({ name: 'seen', key: [type, 'port'], dynamic: true }), elements: [] },
    { set: set({ name: 'beats', key: ['random'], dynamic: true, timeout: true, timeoutSeconds: 2 }), elements: [] },
    {
      set: set({ name: 'doors', key: [type, 'protocol', 'port'], value: ['port'] }),
      elements: [{ key: [one, 17, 53], value: [15_353] }],
    },
  ];
}

function targetSamples({ type, one, other }: Words): Samples['sets'] {
  return [
    {
      set: set({ name: 'verdicts', key: ['protocol', 'port'], value: 'verdict' }),
      elements: [
        { key: [6, 1], value: { kind: 'goto', chain: 'target' } },
        { key: [6, 2], value: { kind: 'jump', chain: 'target' }, comment: 'jumped' },
        { key: [6, 3], value: { kind: 'accept' } },
        { key: [6, 4], value: { kind: 'drop' } },
        { key: [6, 5], value: { kind: 'return' } },
      ],
    },
    {
      set: set({ name: 'marked', key: ['mark'], value: 'verdict' }),
      elements: [{ key: [9], value: { kind: 'goto', chain: 'target' } }],
    },
    { set: set({ name: 'picks', key: ['mark', 'random'], value: ['mark'] }), elements: [{ key: [1, 0], value: [3] }] },
    {
      set: set({ name: 'lots', key: ['random'], value: 'verdict' }),
      elements: [{ key: [0], value: { kind: 'goto', chain: 'target' } }],
    },
    {
      set: set({ name: 'tcp_targets', key: ['protocol', 'port', 'random'], value: [type, 'tcp port'] }),
      elements: [{ key: [6, 80, 0], value: [one, 8080], comment: 'x' }],
    },
    { set: set({ name: 'udp_targets', key: [type, 'protocol', 'port', 'random'], value: [type, 'udp port'] }), elements: [] },
    {
      set: set({ name: 'plain_targets', key: [type, 'port'], value: [type, 'port'] }),
      elements: [{ key: [one, 80], value: [other, 81] }],
    },
    { set: set({ name: 'moves', key: [type], value: [type] }), elements: [{ key: [one], value: [other] }] },
    { set: set({ name: 'port_moves', key: ['port'], value: ['port'] }), elements: [{ key: [80], value: [81] }] },
  ];
}

function sampleRules(word: Words): Samples['rules'] {
  const inChain = (chain: string, ...rules: readonly (readonly Statement[])[]): Samples['rules'] =>
    rules.map((statements) => ({ chain, statements }));
  const last = { chain: 'plain', statements: [match(word.saddr, word.one)], comment: 'with a remark' };
  return [
    ...inChain('plain', ...matchSamples(word)),
    last,
    ...inChain('plain', ...lookupSamples(word)),
    ...inChain('capture', [{ kind: 'notrack' }], ...markSamples(word)),
    ...inChain('capture', ...rewriteSamples(word)),
    ...inChain('first', ...clampSamples),
    ...inChain('refused', ...rejectSamples),
    ...inChain('translated', ...dnatSamples(word)),
    ...inChain('hidden', [{ kind: 'masquerade', fullyRandom: true }], [{ kind: 'masquerade', fullyRandom: false }]),
    ...inChain('hidden', [match('mark', { mask: 0x40_00, equals: 0x40_00 }), clearMarkBits(0x40_00), { kind: 'counter' }]),
    ...inChain('plain', [{ kind: 'counter' }, { kind: 'accept' }], [{ kind: 'drop' }], [{ kind: 'return' }]),
    ...inChain('plain', [{ kind: 'jump', chain: 'target' }], [{ kind: 'goto', chain: 'other_target' }]),
  ];
}

function matchSamples({ saddr, daddr, original, reply, one, other, prefixes, family }: Words): readonly (readonly Statement[])[] {
  return [
    [matchNot(saddr, one)],
    ...prefixes.flatMap((value) => [[match(saddr, value)], [matchNot(daddr, value)]]),
    [match(saddr, { from: one, to: other })],
    [matchNot(daddr, { from: one, to: other })],
    [match('dport', 80)],
    [match('sport', { from: 80, to: 90 }), matchNot('dport', { from: 80, to: 90 })],
    [match(family === 'ip' ? 'icmp type' : 'icmpv6 type', family === 'ip' ? 8 : 128), { kind: 'accept' }],
    [match('l4proto', 6), match('tcp flags', { mask: 2, equals: 0 })],
    [match('tcp flags', { mask: 0x12, equals: 2 }), match('dport', 80)],
    [matchNot('tcp flags', { mask: 0x12, equals: 0 }), matchNot('tcp flags', { mask: 4, equals: 4 }), match('tcp flags', 2)],
    [match('l4proto', 17), match(saddr, one), match('dport', 53)],
    [match('udp checksum', 0), { kind: 'return' }],
    [matchNot('l4proto', 6)],
    [match('mark', 0x4_00_00_01), matchNot('mark', 0)],
    [match('mark', { mask: 0xff, equals: 0x10 })],
    [matchNot('mark', { mask: 0xff_00_00_00, equals: 0 }), match('mark', { mask: 0xf0_00_00_00, equals: 0x40_00_00_00 })],
    [match('iifname', 'lo')],
    [match('iifname', { startsWith: 'cali' }), matchNot('oifname', { startsWith: 'veth' })],
    [match('ct state', { anyOf: ['new'] })],
    [match('ct state', { anyOf: ['related', 'new', 'established'] })],
    [match('ct status', { anyOf: ['dnat'] })],
    [match('ct direction', 'reply')],
    [match('ct mark', 5)],
    [match(original, one), match(reply, other)],
    [match('l4proto', 6), match('ct original proto-dst', 80)],
    [match('fib daddr type', 'local'), matchNot('fib saddr type', 'local')],
  ];
}

function lookupSamples({ saddr, daddr, original }: Words): readonly (readonly Statement[])[] {
  const service: readonly Source[] = [daddr, 'l4proto', 'dport'];
  return [
    [inSet([daddr], 'addresses'), notInSet([daddr], 'protected')],
    [inSet([original], 'addresses')],
    [
      inSet(service, 'captured'),
      notInSet([...service, saddr], 'sources'),
      match('ct state', { anyOf: ['new'] }),
      { kind: 'drop' },
    ],
    [inSet([saddr, daddr], 'pairs')],
    [inSet(['iifname'], 'links'), inSet(['dport'], 'ports'), inSet(['l4proto'], 'fixed'), notInSet(['mark'], 'empty')],
    [{ kind: 'vmap', key: ['l4proto', 'dport'], map: 'verdicts' }],
    [inSet(['ether saddr'], 'neighbours'), { kind: 'return' }],
    [match('dport', 80), inSet([saddr, 'ether saddr'], 'known'), match('ether saddr', 'aa:bb:cc:dd:ee:ff'), { kind: 'accept' }],
    [match('iiftype', 1), matchNot('ether saddr', '00:00:00:00:00:01')],
    [
      { kind: 'mark', to: { key: service, map: 'service_ranges' } },
      { kind: 'goto', chain: 'target' },
    ],
    [{ kind: 'vmap', key: ['mark'], map: 'marked' }],
    [{ kind: 'vmap', key: [{ kind: 'random', modulus: 3 }], map: 'lots' }],
    [{ kind: 'update', operation: 'update', set: 'clients', key: [saddr], timeoutSeconds: 10_800, value: 'mark' }],
    [
      { kind: 'update', operation: 'delete', set: 'clients', key: [saddr], timeoutSeconds: null, value: 'mark' },
      { kind: 'update', operation: 'update', set: 'clients', key: [saddr], timeoutSeconds: 30, value: 'mark' },
      { kind: 'return' },
    ],
    [{ kind: 'update', operation: 'add', set: 'recent', key: [saddr], timeoutSeconds: null, value: null }],
    [{ kind: 'update', operation: 'update', set: 'seen', key: [saddr, 'dport'], timeoutSeconds: null, value: null }],
    [{ kind: 'update', operation: 'update', set: 'recent', key: [saddr], timeoutSeconds: 95, value: null }],
    [
      {
        kind: 'update',
        operation: 'update',
        set: 'beats',
        key: [{ kind: 'random', modulus: 1 }],
        timeoutSeconds: null,
        value: null,
      },
    ],
    [notInSet([{ kind: 'random', modulus: 1 }], 'beats'), { kind: 'return' }],
  ];
}

function markSamples({ saddr, daddr }: Words): readonly (readonly Statement[])[] {
  return [
    [{ kind: 'mark', to: 0x10 }],
    [setMarkBits(0x8000_0000), clearMarkBits(0x10)],
    [{ kind: 'mark', to: { mask: 0xff_ff_ff_ff, xor: 0x10 } }],
    [{ kind: 'mark', to: { mask: 0xff, xor: 0x12_34 } }],
    [
      { kind: 'mark', to: { key: [daddr, 'l4proto', 'dport'], map: 'services' } },
      { kind: 'goto', chain: 'target' },
    ],
    [match('fib daddr type', 'local'), { kind: 'mark', to: { key: ['l4proto', 'dport'], map: 'nodeports' } }],
    [{ kind: 'mark', to: { key: ['mark', { kind: 'random', modulus: 5 }], map: 'picks' } }],
    [match('ct state', { anyOf: ['new'] }), { kind: 'mark', to: { key: [saddr], map: 'clients' } }],
    [{ kind: 'mark', to: { key: [saddr], map: 'areas' } }],
  ];
}

function rewriteSamples({ saddr, daddr, other }: Words): readonly (readonly Statement[])[] {
  return [
    [{ kind: 'rewrite', field: daddr, to: other }],
    [{ kind: 'rewrite', field: saddr, to: { key: [saddr], map: 'moves' } }],
    [{ kind: 'rewrite', field: 'tcp dport', to: 80 }],
    [match('l4proto', 17), { kind: 'rewrite', field: 'udp sport', to: { key: ['sport'], map: 'port_moves' } }],
    [
      match('udp checksum', 0),
      { kind: 'rewrite', field: 'udp dport', to: { key: [daddr, 'l4proto', 'dport'], map: 'doors' } },
      { kind: 'rewrite', field: 'udp checksum', to: 0 },
      { kind: 'accept' },
    ],
    [{ kind: 'rewrite', field: 'sctp dport', to: { key: [daddr, 'l4proto', 'dport'], map: 'doors' } }, { kind: 'accept' }],
    [{ kind: 'rewrite', field: 'sctp sport', to: 5 }],
    [{ kind: 'rewrite', field: 'tcp dport', to: { key: [daddr, 'l4proto', 'dport'], map: 'doors' } }, { kind: 'notrack' }],
  ];
}

/** The route is known behind routing only. */
const clampSamples: readonly (readonly Statement[])[] = [
  [match('tcp flags', { mask: 2, equals: 2 }), { kind: 'clamp', size: 1340 }, { kind: 'return' }],
  [{ kind: 'clamp', size: 'route' }],
];

const rejectSamples: readonly (readonly Statement[])[] = [
  [{ kind: 'reject', with: 'port-unreachable' }],
  [{ kind: 'reject', with: 'admin-prohibited' }],
  [match('l4proto', 6), { kind: 'reject', with: 'tcp-reset' }],
  [{ kind: 'reject', with: 'tcp-reset' }],
];

function dnatSamples({ daddr, other }: Words): readonly (readonly Statement[])[] {
  const random: Source = { kind: 'random', modulus: 3 };
  return [
    [match('l4proto', 6), { kind: 'dnat', to: { address: other, port: 8080 } }],
    [{ kind: 'dnat', to: { address: other, port: null } }],
    [match('l4proto', 6), { kind: 'dnat', to: { key: ['l4proto', 'dport', random], map: 'tcp_targets' } }],
    [
      match('l4proto', 17),
      setMarkBits(0x40_00),
      { kind: 'dnat', to: { key: [daddr, 'l4proto', 'dport', random], map: 'udp_targets' } },
    ],
    [match('l4proto', 17), { kind: 'dnat', to: { key: [daddr, 'dport'], map: 'plain_targets' } }],
  ];
}

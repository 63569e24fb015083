import * as fc from 'fast-check';
import { formatAddress, parsePrefix, protocols, sideKey } from '../model/mod.ts';
import type {
  Address,
  CaptureEntry,
  DecisionEntry,
  Family,
  Prefix,
  RestrictedEntry,
  SideChange,
  SideDecision,
  SideEntry,
  SideSettings,
  SourceEntry,
  TunnelProtocol,
} from '../model/mod.ts';
import { sideClients } from './side-sets.ts';

/** Entries, settings and changes of them for tests; few addresses and numbers, so that they meet often. */

export const sideSettings: SideSettings = {
  podTraffic: { kind: 'none' },
  nodePorts: { kind: 'all-local', loopback: false },
  masqueradeBit: 14,
  captureBit: 12,
  echo: 'refuse',
  strays: 'drop',
  echoAddress: null,
  tunnelDevices: [],
  tunnelProtocols: [],
};

export function sampleAddress(family: Family, number: number): Address {
  const bytes =
    family === 'IPv4' ? [10, 96, number >> 8, number & 255] : [0xfd, 0, ...Array(12).fill(0), number >> 8, number & 255];
  return formatAddress(Uint8Array.from(bytes));
}

/** The prefix of that text; a mistake in the test if there is none. */
export function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (parsed === null) throw new TypeError(`not a prefix: ${text}`);
  return parsed;
}

const port = fc.constantFrom(53, 80, 443);
/** Single ports, inside ranges too, and ranges that do not overlap. */
const ports = fc.constantFrom<{ readonly port: number; readonly lastPort?: number }>(
  { port: 53 },
  { port: 80 },
  { port: 1500 },
  { port: 2000 },
  { port: 1000, lastPort: 1999 },
  { port: 2000, lastPort: 2001 },
  { port: 40_000, lastPort: 65_535 },
);
const client = fc.constantFrom(...sideClients);
const mark = fc.constantFrom(0x101, 0x102, 0x1f00, 0xff_ff_00_00);
const protocol = fc.constantFrom(...protocols);
const server = fc.integer({ min: 16, max: 30 });
const group = fc.integer({ min: 16, max: 19 });

const decision: fc.Arbitrary<SideDecision> = fc.oneof(
  fc.constant({ verdict: 'reject' } as const),
  fc.constant({ verdict: 'drop' } as const),
  fc.record({
    verdict: fc.constant('balance' as const),
    server: fc.oneof(fc.constant(0), server, fc.constant(0x3fffff)),
    masquerade: fc.boolean(),
  }),
  fc.record({ verdict: fc.constant('sticky' as const), group, masquerade: fc.boolean() }),
  fc.record({ verdict: fc.constant('mark' as const), mark }),
);

function addresses(family: Family): fc.Arbitrary<Address> {
  return fc.integer({ min: 1, max: 6 }).map((number) => sampleAddress(family, number));
}

/** Nested and neighbouring ones, up to the whole space. */
export function samplePrefixes(family: Family): fc.Arbitrary<Prefix> {
  const bits = family === 'IPv4' ? 32 : 128;
  const length = fc.constantFrom(0, 1, bits - 16, bits - 8, bits - 3, bits - 2, bits - 1, bits);
  return fc.tuple(addresses(family), length).map(([address, size]) => prefix(`${address}/${size}`));
}

const kind = <K extends SideEntry['kind']>(name: K): fc.Arbitrary<K> => fc.constant(name);

/** The kinds of entries whose destination may be a range of ports. */
function destinationEntries(family: Family): fc.Arbitrary<SideEntry> {
  const address = addresses(family);
  const named = <E extends SideEntry>(entry: fc.Arbitrary<Omit<E, 'port' | 'lastPort'>>): fc.Arbitrary<E> =>
    fc.tuple(entry, ports).map(([rest, place]) => ({ ...rest, ...place }) as E);
  const prefixed = {
    kind: kind('source'),
    address: fc.constant(sampleAddress(family, 1)),
    protocol,
    prefix: samplePrefixes(family),
  };
  return fc.oneof(
    { weight: 3, arbitrary: named<DecisionEntry>(fc.record({ kind: kind('decision'), client, address, protocol, decision })) },
    named<DecisionEntry>(fc.record({ kind: kind('decision'), client, address: fc.constant(null), protocol, decision })),
    named<CaptureEntry>(fc.record({ kind: kind('capture'), address, protocol })),
    named<RestrictedEntry>(fc.record({ kind: kind('restricted'), address, protocol })),
    { weight: 3, arbitrary: named<SourceEntry>(fc.record(prefixed)) },
  );
}

/** The kinds that only ingress has. */
function ingressEntries(family: Family): fc.Arbitrary<SideEntry> {
  const address = addresses(family);
  const link = fc.constantFrom(null, 'aa:bb:cc:dd:ee:01', 'aa:bb:cc:dd:ee:02');
  return fc.oneof(
    fc.record({ kind: kind('lane'), mark, masquerade: fc.boolean() }),
    // Ports of which some are what others are rewritten to, and some share one.
    {
      weight: 3,
      arbitrary: fc.record({
        kind: kind('rewrite'),
        address,
        protocol,
        port: fc.constantFrom(80, 81, 443),
        to: fc.constantFrom(80, 8080, 8443),
        direct: fc.boolean(),
      }),
    },
    fc.record({ kind: kind('clamp'), address, size: fc.constantFrom(null, 1340, 1400) }),
    fc.record({ kind: kind('peer'), address, link }),
  );
}

export function sideEntries(family: Family): fc.Arbitrary<SideEntry> {
  const address = addresses(family);
  const target = fc.record({ address, port });
  return fc.oneof(
    { weight: 9, arbitrary: destinationEntries(family) },
    { weight: 6, arbitrary: ingressEntries(family) },
    fc.record({ kind: kind('capture-address'), address }),
    fc.record({ kind: kind('closed'), address }),
    fc.record({ kind: kind('hairpin'), address }),
    { weight: 3, arbitrary: fc.record({ kind: kind('protected'), prefix: samplePrefixes(family) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: kind('sticky'),
        group,
        timeoutSeconds: fc.constantFrom(1, 60, 10_800, 86_400),
        servers: fc.array(server, { minLength: 1, maxLength: 5 }),
      }),
    },
    ...(family === 'IPv4'
      ? [fc.record({ kind: kind('loopback'), protocol, port, targets: fc.array(target, { maxLength: 3 }) })]
      : []),
    fc.record({ kind: kind('record'), text: fc.constantFrom('v TCP 10.96.0.1:443', 's 16 00ff', 'y a/b=0', ' x, ~{}') }),
  );
}

export function sideSettingsOf(family: Family): fc.Arbitrary<SideSettings> {
  return fc.record({
    podTraffic: fc.oneof(
      fc.constant({ kind: 'none' } as const),
      fc.constant({ kind: 'source', prefix: prefix(family === 'IPv4' ? '10.244.1.0/24' : 'fd00:10:244:1::/64') } as const),
      fc.constant({ kind: 'interface', name: 'cni0' } as const),
      fc.constant({ kind: 'interface-prefix', prefix: 'veth' } as const),
    ),
    nodePorts: fc.oneof(
      fc.record({ kind: fc.constant('all-local' as const), loopback: fc.boolean() }),
      fc.record({ kind: fc.constant('listed' as const), addresses: fc.array(addresses(family), { maxLength: 3 }) }),
    ),
    masqueradeBit: fc.constantFrom(14, 31),
    captureBit: fc.constantFrom(12, 0),
    echo: fc.constantFrom('answer', 'refuse'),
    strays: fc.constantFrom('drop', 'reject'),
    echoAddress: family === 'IPv4' ? fc.option(addresses(family)) : fc.constant(null),
    tunnelDevices: fc.subarray(['tunl0', 'gue0']),
    tunnelProtocols: fc.subarray<TunnelProtocol>([{ protocol: 4 }, { protocol: 41 }, { udpPort: 6080 }]),
  });
}

/** Changes as a planner makes them: mostly small, and the settings seldom other ones. */
export function sideChanges(family: Family): fc.Arbitrary<readonly SideChange[]> {
  const step = fc.record({
    settings: fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, sideSettingsOf(family)),
    set: fc.array(sideEntries(family), { maxLength: 6 }),
    /** Each takes away one of the entries there are by then. */
    remove: fc.array(fc.nat(1000), { maxLength: 5 }),
  });
  return fc.array(step, { minLength: 1, maxLength: 12 }).map((steps) => {
    let settings = sideSettings;
    const changes: SideChange[] = [];
    const keys = new Set<string>();
    for (const { settings: next, set, remove } of steps) {
      settings = next ?? settings;
      const present = [...keys];
      const gone = remove.map((at) => present[at % Math.max(1, present.length)] ?? 'record/never there');
      for (const key of gone) keys.delete(key);
      for (const entry of set) keys.add(sideKey(entry));
      changes.push({ settings, set, remove: gone });
    }
    return changes;
  });
}

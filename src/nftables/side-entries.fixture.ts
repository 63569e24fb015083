import * as fc from 'fast-check';
import { clientClasses, formatAddress, parsePrefix, protocols, sideKey } from '../model/mod.ts';
import type { Address, Family, Prefix, SideChange, SideDecision, SideEntry, SideSettings } from '../model/mod.ts';

/** Entries, settings and changes of them for tests; few addresses and numbers, so that they meet often. */

export const sideSettings: SideSettings = {
  podTraffic: { kind: 'none' },
  nodePorts: { kind: 'all-local', loopback: false },
  masqueradeBit: 14,
  captureBit: 12,
  echo: 'refuse',
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

export function sideEntries(family: Family): fc.Arbitrary<SideEntry> {
  const address = addresses(family);
  const destination = { address, protocol, port };
  const kind = <K extends SideEntry['kind']>(name: K): fc.Arbitrary<K> => fc.constant(name);
  const target = fc.record({ address, port });
  return fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ kind: kind('decision'), client: fc.constantFrom(...clientClasses), ...destination, decision }),
    },
    fc.record({
      kind: kind('decision'),
      client: fc.constantFrom(...clientClasses),
      address: fc.constant(null),
      protocol,
      port,
      decision,
    }),
    fc.record({ kind: kind('capture'), ...destination }),
    fc.record({ kind: kind('capture-address'), address }),
    fc.record({ kind: kind('restricted'), ...destination }),
    {
      weight: 3,
      arbitrary: fc.record({
        kind: kind('source'),
        address: fc.constant(sampleAddress(family, 1)),
        protocol,
        port,
        prefix: samplePrefixes(family),
      }),
    },
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
    echoAddress: family === 'IPv4' ? fc.option(addresses(family)) : fc.constant(null),
    tunnelDevices: fc.constant([]),
    tunnelProtocols: fc.constant([]),
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

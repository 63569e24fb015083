import * as fc from 'fast-check';
import { parseAddress } from '../model/mod.ts';
import type { Address, Family, Protocol } from '../model/mod.ts';
import type { IpvsOperation } from './port.ts';
import type { Destination, DestinationKey, Forwarding, SchedulerFlag, ServerKey, VirtualServer } from './virtual-server.ts';

export function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (address === null) throw new TypeError(`not an address: ${text}`);
  return address;
}

export function addressKey(protocol: Protocol, address: string, port: number): ServerKey {
  return { kind: 'address', protocol, address: addressOf(address), port };
}

export function markKey(family: Family, mark: number): ServerKey {
  return { kind: 'mark', family, mark };
}

/** Round robin and nothing else. */
export function plainServer(key: ServerKey, changes: Partial<VirtualServer> = {}): VirtualServer {
  return { key, scheduler: 'rr', schedulerFlags: [], persistence: null, onePacket: false, persistenceEngine: null, ...changes };
}

/** Masqueraded, weight 1, no thresholds. */
export function plainDestination(address: string, port: number, changes: Partial<Destination> = {}): Destination {
  const forwarding = { method: 'masquerade' } as const;
  return { address: addressOf(address), port, forwarding, weight: 1, upperThreshold: 0, lowerThreshold: 0, ...changes };
}

export const addServer = (server: VirtualServer): IpvsOperation => ({ verb: 'add-server', server });
export const editServer = (server: VirtualServer): IpvsOperation => ({ verb: 'edit-server', server });
export const deleteServer = (key: ServerKey): IpvsOperation => ({ verb: 'delete-server', key });
export const addDestination = (key: ServerKey, destination: Destination): IpvsOperation => ({
  verb: 'add-destination',
  key,
  destination,
});
export const editDestination = (key: ServerKey, destination: Destination): IpvsOperation => ({
  verb: 'edit-destination',
  key,
  destination,
});
export const deleteDestination = (key: ServerKey, { address, port }: DestinationKey): IpvsOperation => ({
  verb: 'delete-destination',
  key,
  destination: { address, port },
});

export const maskBits: Readonly<Record<Family, number>> = { IPv4: 32, IPv6: 128 };

/** Where addresses come from: few, so that operations meet each other, or any. */
export interface Universe {
  readonly addresses: fc.Arbitrary<Address>;
  readonly ports: fc.Arbitrary<number>;
  readonly marks: fc.Arbitrary<number>;
  readonly protocols: fc.Arbitrary<Protocol>;
  readonly schedulers: fc.Arbitrary<string>;
}

const anyV4 = fc
  .tuple(fc.integer({ min: 1, max: 223 }), fc.nat(255), fc.nat(255), fc.nat(255))
  .map((octets) => addressOf(octets.join('.')));
const anyV6 = fc
  .array(fc.nat(0xffff), { minLength: 7, maxLength: 7 })
  .map((groups) => addressOf(['fd00', ...groups.map((group) => group.toString(16))].join(':')));

/** Every value there is. */
export function wideUniverse(family: Family): Universe {
  return {
    addresses: family === 'IPv4' ? anyV4 : anyV6,
    ports: fc.integer({ min: 1, max: 65535 }),
    marks: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    protocols: fc.constantFrom('TCP', 'UDP', 'SCTP'),
    schedulers: fc.constantFrom('rr', 'wrr', 'lc', 'wlc', 'sh', 'mh', 'sed', 'nq', 'dh', 'lblc', 'lblcr', 'fo', 'ovf', 'none'),
  };
}

/** Few values, some of which the kernel refuses. */
export function narrowUniverse(family: Family): Universe {
  const [one, other, multicast] = family === 'IPv4' ? ['10.0.0.1', '10.0.0.2', '224.0.0.1'] : ['fd00::1', 'fd00::2', 'ff02::1'];
  return {
    addresses: fc.constantFrom(one, one, one, one, other, other, multicast).map(addressOf),
    ports: fc.constantFrom(80, 80, 80, 80, 80, 80, 0),
    marks: fc.constantFrom(1, 0xf000_0001),
    protocols: fc.constantFrom('TCP', 'UDP'),
    // Each attempt at the absent one has the kernel start a program that looks for a module.
    schedulers: fc.constantFrom('rr', 'rr', 'rr', 'wrr', 'wrr', 'wrr', 'mh', 'mh', 'absent'),
  };
}

const counts = fc.oneof(fc.nat(3), fc.nat(100_000), fc.constant(2 ** 31 - 1));

function anyKey(family: Family, universe: Universe): fc.Arbitrary<ServerKey> {
  return fc.oneof(
    fc.record({
      kind: fc.constant('address' as const),
      protocol: universe.protocols,
      address: universe.addresses,
      port: universe.ports,
    }),
    fc.record({ kind: fc.constant('mark' as const), family: fc.constant(family), mark: universe.marks }),
  );
}

export function anyServer(family: Family, universe: Universe): fc.Arbitrary<VirtualServer> {
  return fc.record({
    key: anyKey(family, universe),
    scheduler: universe.schedulers,
    schedulerFlags: fc.oneof(
      { arbitrary: fc.subarray<SchedulerFlag>(['fallback', 'port']), weight: 5 },
      { arbitrary: fc.constant<SchedulerFlag[]>(['flag-3']), weight: 1 },
    ),
    persistence: fc.option(
      fc.record({
        timeoutSeconds: fc.integer({ min: 1, max: 86_400 }),
        prefixLength: fc.integer({ min: 1, max: maskBits[family] }),
      }),
    ),
    onePacket: fc.nat(4).map((chance) => chance === 0),
    persistenceEngine: fc.option(fc.constant('sip'), { freq: 5 }),
  });
}

const anyForwarding: fc.Arbitrary<Forwarding> = fc.oneof(
  fc.constant<Forwarding>({ method: 'masquerade' }),
  fc.constant<Forwarding>({ method: 'direct' }),
  fc.constant<Forwarding>({ method: 'tunnel', encapsulation: 'ipip', port: 0, checksum: 'none' }),
  fc.record({
    method: fc.constant('tunnel' as const),
    encapsulation: fc.constant('gue' as const),
    port: fc.integer({ min: 1, max: 65535 }),
    checksum: fc.constantFrom('none' as const, 'csum' as const, 'remcsum' as const),
  }),
  fc.record({
    method: fc.constant('tunnel' as const),
    encapsulation: fc.constant('gre' as const),
    port: fc.constant(0),
    checksum: fc.constantFrom('none' as const, 'csum' as const),
  }),
);

export function anyDestination(universe: Universe): fc.Arbitrary<Destination> {
  return fc
    .record({
      address: universe.addresses,
      port: universe.ports,
      forwarding: anyForwarding,
      weight: counts,
      high: counts,
      low: counts,
    })
    .map(({ high, low, ...rest }) => ({ ...rest, upperThreshold: Math.max(high, low), lowerThreshold: Math.min(high, low) }));
}

/** Operations that may well be refused. */
export function anyOperation(family: Family, universe: Universe): fc.Arbitrary<IpvsOperation> {
  const key = anyKey(family, universe);
  const server = anyServer(family, universe);
  const destination = anyDestination(universe);
  return fc.oneof(
    { weight: 4, arbitrary: server.map(addServer) },
    { weight: 1, arbitrary: server.map(editServer) },
    { weight: 1, arbitrary: key.map(deleteServer) },
    { weight: 8, arbitrary: fc.tuple(key, destination).map(([one, other]) => addDestination(one, other)) },
    { weight: 2, arbitrary: fc.tuple(key, destination).map(([one, other]) => editDestination(one, other)) },
    { weight: 2, arbitrary: fc.tuple(key, destination).map(([one, other]) => deleteDestination(one, other)) },
  );
}

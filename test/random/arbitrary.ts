import * as fc from 'fast-check';
import { addressesOf, nameOf, slots } from './cluster.ts';
import type { Edit, RawEndpoint, RawIngress, RawServicePort, RawSlice, ServiceSpec } from './cluster.ts';
import { endpointHosts, machine, ownPodRange, podRange, secondAddress } from './hosts.ts';
import type { RawConfig } from './reference.ts';

/** Clusters and edits at random, weighted so that interesting states last for a while. */

const slotNumber = fc.constantFrom(...slots);
const sliceIndex = fc.integer({ min: 0, max: 2 });
const protocol = fc.constantFrom('TCP', 'TCP', 'UDP', 'SCTP', undefined);
const portName = fc.constantFrom('a', 'b', 'c', '');

/** Without the fields that came out as undefined: a JSON object has none. */
function compact<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as never;
}

function servicePorts(slot: number): fc.Arbitrary<readonly RawServicePort[]> {
  const [first, second] = addressesOf(slot).nodePorts;
  // The last number is the first node port of the neighbouring slot.
  const [neighbour] = addressesOf((slot + 1) % slots.length).nodePorts;
  const one = fc
    .record({
      name: portName,
      protocol,
      port: fc.constantFrom(80, 80, 81, 443, neighbour),
      nodePort: fc.constantFrom(undefined, 0, first, first, second),
    })
    .map((port): RawServicePort => compact(port) as RawServicePort);
  return fc
    .uniqueArray(one, { minLength: 1, maxLength: 3, selector: ({ name }) => name ?? '' })
    .map((ports) => dropClashes(dropClashes(ports, 'port'), 'nodePort'));
}

/** The API server refuses one number twice under one protocol. */
function dropClashes(ports: readonly RawServicePort[], field: 'port' | 'nodePort'): RawServicePort[] {
  const seen = new Set<string>();
  return ports.filter((port) => {
    const number = port[field] ?? 0;
    const claim = `${port.protocol ?? 'TCP'} ${number}`;
    if (number !== 0 && seen.has(claim)) return false;
    seen.add(claim);
    return true;
  });
}

const clusterIps = (slot: number): fc.Arbitrary<Partial<ServiceSpec>> =>
  fc
    .constantFrom(addressesOf(slot).cluster, addressesOf(slot).otherCluster)
    .chain(([four, six]) =>
      fc.constantFrom<Partial<ServiceSpec>>(
        { clusterIP: four, clusterIPs: [four, six], ipFamilies: ['IPv4', 'IPv6'] },
        { clusterIP: four, clusterIPs: [four, six], ipFamilies: ['IPv4', 'IPv6'] },
        { clusterIP: four, clusterIPs: [four, six], ipFamilies: ['IPv4', 'IPv6'] },
        { clusterIP: six, clusterIPs: [six, four], ipFamilies: ['IPv6', 'IPv4'] },
        { clusterIP: four, clusterIPs: [four], ipFamilies: ['IPv4'] },
        { clusterIP: six, clusterIPs: [six], ipFamilies: ['IPv6'] },
        { clusterIP: four, clusterIPs: [], ipFamilies: [] },
        { clusterIP: 'None', clusterIPs: ['None'], ipFamilies: ['IPv4', 'IPv6'] },
      ),
    );

const sourceRange = fc.constantFrom(
  '192.0.2.0/24',
  '192.0.2.200/32',
  '010.244.1.9/16',
  ' 2001:db8:1::/64 ',
  'fd00:10:244::/48',
  '2001:db8:1::200/128',
  '::ffff:192.0.2.200/128',
  '0.0.0.0/0',
  '',
  'nonsense',
);

const someone = fc.constantFrom('Cluster', 'Local', 'Local', undefined);

function externalIps(slot: number): fc.Arbitrary<string[]> {
  const [one, two, six] = addressesOf(slot).external;
  const written = one.replace('198.51.', '198.051.');
  // Slot 0 may own the node's own address: there Service IP and node port meet.
  const own = slot === 0 ? [machine.IPv4, machine.IPv6] : [];
  return fc.subarray([written, two, six, 'nonsense', ...own]);
}

function specPatch(slot: number): fc.Arbitrary<Partial<ServiceSpec>> {
  const field = <K extends keyof ServiceSpec>(
    name: K,
    values: fc.Arbitrary<ServiceSpec[K]>,
  ): fc.Arbitrary<Partial<ServiceSpec>> => values.map((value) => ({ [name]: value }));
  return fc.oneof(
    {
      weight: 3,
      arbitrary: field(
        'type',
        fc.constantFrom('ClusterIP', 'NodePort', 'NodePort', 'LoadBalancer', 'LoadBalancer', 'LoadBalancer', 'ExternalName'),
      ),
    },
    { weight: 3, arbitrary: field('ports', servicePorts(slot)) },
    { weight: 2, arbitrary: clusterIps(slot) },
    { weight: 2, arbitrary: field('externalIPs', externalIps(slot)) },
    { weight: 3, arbitrary: field('loadBalancerSourceRanges', fc.array(sourceRange, { maxLength: 3 })) },
    { weight: 2, arbitrary: someone.map((internalTrafficPolicy) => compact({ internalTrafficPolicy })) },
    { weight: 3, arbitrary: someone.map((externalTrafficPolicy) => compact({ externalTrafficPolicy })) },
    { weight: 2, arbitrary: affinity },
  );
}

const affinity = fc.constantFrom<Partial<ServiceSpec>>(
  { sessionAffinity: 'None' },
  { sessionAffinity: 'ClientIP' },
  { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 10 } } },
  { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } } },
);

function ingress(slot: number): fc.Arbitrary<readonly RawIngress[]> {
  const [one, two, six] = addressesOf(slot).vip;
  const entries: readonly RawIngress[] = [{ ip: one }, { ip: two, ipMode: 'VIP' }, { ip: six }, { hostname: 'lb.example.org' }];
  const proxied: readonly RawIngress[] = [
    { ip: one, ipMode: 'Proxy' },
    { ip: six, ipMode: 'VIP' },
  ];
  return fc.oneof({ weight: 3, arbitrary: fc.subarray([...entries]) }, { weight: 1, arbitrary: fc.constant(proxied) });
}

const conditions = fc
  .constantFrom(
    {},
    { ready: true },
    { ready: true, serving: true },
    { ready: true, serving: true, terminating: false },
    { ready: true, serving: true, terminating: false },
    { ready: false, serving: false, terminating: false },
    { ready: false, serving: true, terminating: true },
    { ready: false, serving: false, terminating: true },
    { ready: true, serving: true, terminating: true },
    { ready: false },
    { terminating: true },
  )
  .map((one): NonNullable<RawEndpoint['conditions']> => one);

const names = (choices: readonly string[]) =>
  fc.subarray([...choices], { minLength: 1 }).map((list) => list.map((name) => ({ name })));

type Hints = NonNullable<RawEndpoint['hints']>;

/** One style for a whole slice, or the hints would hardly ever be complete. */
type HintStyle = 'none' | 'zones' | 'nodes' | 'both' | 'mixed';

const hintStyle = fc.constantFrom<HintStyle>('none', 'none', 'zones', 'nodes', 'both', 'mixed');

function hints(style: HintStyle): fc.Arbitrary<Hints | undefined> {
  const forZones = names(['zone-a', 'zone-b']);
  const forNodes = names(['node-1', 'node-2']);
  switch (style) {
    case 'none':
      return fc.constant(undefined);
    case 'zones':
      return fc.record({ forZones });
    case 'nodes':
      return fc.record({ forNodes });
    case 'both':
      return fc.record({ forZones, forNodes });
    case 'mixed':
      return fc.option(fc.record({ forZones, forNodes: fc.constant([]) }), { nil: undefined });
  }
}

/** Half of the slices hold endpoints of one side only, or a node without endpoints would be rare. */
const sides = fc.constantFrom<readonly (typeof endpointHosts)[number][]>(
  endpointHosts,
  endpointHosts,
  endpointHosts.filter(({ node }) => node === 'node-1'),
  endpointHosts.filter(({ node }) => node !== 'node-1'),
);

interface Style {
  readonly hints: HintStyle;
  readonly hosts: readonly (typeof endpointHosts)[number][];
}

function endpoint(family: 'IPv4' | 'IPv6', style: Style): fc.Arbitrary<RawEndpoint> {
  return fc
    .record({
      host: fc.constantFrom(...style.hosts),
      conditions,
      hints: hints(style.hints),
      homeless: fc.integer({ min: 0, max: 9 }),
      second: fc.boolean(),
    })
    .map((one): RawEndpoint => {
      const addresses = one.homeless === 9 && one.second ? [] : [one.host[family], ...(one.second ? ['10.9.9.9'] : [])];
      const nodeName = one.homeless === 0 ? undefined : one.host.node;
      return compact({ addresses, conditions: one.conditions, hints: one.hints, nodeName }) as RawEndpoint;
    });
}

const slicePorts = fc.uniqueArray(
  fc
    .record({
      name: fc.constantFrom('a', 'a', 'b', 'c', '', undefined),
      protocol,
      port: fc.constantFrom(8080, 8080, 9090, 0, undefined),
    })
    .map((port): RawSlice['ports'][number] => compact(port)),
  { minLength: 0, maxLength: 5, selector: (port) => JSON.stringify(port) },
);

/** Ports that fit whatever the Service has: most slices are not odd. */
const fittingPorts = fc
  .constantFrom(8080, 9090)
  .map((port) => ['a', 'b', 'c', ''].flatMap((name) => ['TCP', 'UDP', 'SCTP'].map((one) => ({ name, protocol: one, port }))));

const slice = sliceOf(fc.constantFrom('IPv4', 'IPv4', 'IPv4', 'IPv4', 'IPv6', 'IPv6', 'IPv6', 'IPv6', 'FQDN'));

function sliceOf(types: fc.Arbitrary<string>): fc.Arbitrary<Omit<RawSlice, 'metadata'>> {
  return fc.tuple(types, hintStyle, sides).chain(([addressType, hintKind, hosts]) =>
    fc.record({
      addressType: fc.constant(addressType),
      ports: fc.oneof({ weight: 7, arbitrary: fittingPorts }, { weight: 1, arbitrary: slicePorts }),
      endpoints: fc.uniqueArray(endpoint(addressType === 'IPv6' ? 'IPv6' : 'IPv4', { hints: hintKind, hosts }), {
        maxLength: 5,
        selector: ({ addresses }) => addresses[0] ?? '',
      }),
    }),
  );
}

const sliceLabels = (slot: number) => {
  const service = (of: number) => ({ 'kubernetes.io/service-name': nameOf(of).name });
  return fc.constantFrom<RawSlice['metadata']['labels']>(
    service(slot),
    service(slot),
    service((slot + 2) % slots.length),
    {},
    { ...service(slot), 'service.kubernetes.io/headless': '' },
  );
};

const nodeAddresses = fc.constantFrom<readonly (readonly [string, string])[]>(
  [
    ['InternalIP', machine.IPv4],
    ['InternalIP', machine.IPv6],
  ],
  [
    ['Hostname', 'node-1'],
    ['ExternalIP', secondAddress.IPv4],
    ['InternalIP', machine.IPv4],
    ['ExternalIP', machine.IPv6],
  ],
  [['ExternalIP', secondAddress.IPv4]],
  [['InternalIP', machine.IPv6]],
);

const interfaces = fc.subarray([secondAddress.IPv4, secondAddress.IPv6, addressesOf(0).vip[0], addressesOf(1).vip[2]]);

/** One edit; the ones that change what a Service's packets meet are the most frequent. */
export const edit: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 12,
    arbitrary: slotNumber.chain((slot) =>
      fc.record({ kind: fc.constant('service'), slot: fc.constant(slot), spec: specPatch(slot) }),
    ),
  },
  {
    weight: 3,
    arbitrary: slotNumber.chain((slot) =>
      fc.record({ kind: fc.constant('ingress'), slot: fc.constant(slot), ingress: ingress(slot) }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('label'),
      slot: slotNumber,
      labels: fc.constantFrom<Record<string, string>>(
        {},
        {},
        {},
        { app: 'web' },
        { 'service.kubernetes.io/service-proxy-name': '' },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete-service'), slot: slotNumber }) },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('slice'), slot: slotNumber, index: sliceIndex, slice }) },
  {
    weight: 1,
    arbitrary: slotNumber.chain((slot) =>
      fc.record({ kind: fc.constant('move-slice'), slot: fc.constant(slot), index: sliceIndex, labels: sliceLabels(slot) }),
    ),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete-slice'), slot: slotNumber, index: sliceIndex }) },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('endpoint'), slot: slotNumber, index: sliceIndex, at: fc.nat(4), conditions }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('zone'), zone: fc.constantFrom('zone-a', 'zone-a', 'zone-b', '', null) }),
  },
  {
    weight: 1,
    arbitrary: nodeAddresses.map((list) => ({
      kind: 'node-addresses',
      addresses: list.map(([type, address]) => ({ type, address })),
    })),
  },
  { weight: 1, arbitrary: interfaces.map((list) => ({ kind: 'interfaces', interfaces: list })) },
) as fc.Arbitrary<Edit>;

/** Something of everything to begin with: for each slot a Service with node ports, and a slice of each family. */
export const opening: fc.Arbitrary<readonly Edit[]> = fc.tuple(...slots.map(openSlot)).map((parts) => parts.flat());

function openSlot(slot: number): fc.Arbitrary<readonly Edit[]> {
  const spec = fc.record({
    type: fc.constant('LoadBalancer'),
    ports: servicePorts(slot),
    internalTrafficPolicy: fc.constantFrom('Cluster', 'Local'),
    externalTrafficPolicy: fc.constantFrom('Cluster', 'Local', 'Local'),
    loadBalancerSourceRanges: fc.oneof(fc.constant([]), fc.array(sourceRange, { maxLength: 2 })),
  });
  const [four, six] = [sliceOf(fc.constant('IPv4')), sliceOf(fc.constant('IPv6'))];
  return fc.tuple(spec, ingress(slot), four, six).map(([first, entries, one, two]): Edit[] => [
    { kind: 'service', slot, spec: first },
    { kind: 'ingress', slot, ingress: entries },
    { kind: 'slice', slot, index: 0, slice: one },
    { kind: 'slice', slot, index: 1, slice: two },
  ]);
}

/** How pod traffic is told, who is masqueraded and where node ports answer. */
export const config: fc.Arbitrary<RawConfig> = fc
  .record({
    detection: fc.constantFrom(
      { detectLocalMode: 'ClusterCIDR', clusterCIDR: `${podRange.IPv4},${podRange.IPv6}` },
      { detectLocalMode: 'ClusterCIDR', clusterCIDR: podRange.IPv4 },
      { detectLocalMode: 'ClusterCIDR', clusterCIDR: '' },
      { detectLocalMode: 'NodeCIDR', clusterCIDR: '' },
      { detectLocalMode: 'BridgeInterface', clusterCIDR: '' },
      { detectLocalMode: 'InterfaceNamePrefix', clusterCIDR: '' },
    ),
    nodePortAddresses: fc.constantFrom<string[]>(
      [],
      [],
      ['primary'],
      ['192.0.2.0/24'],
      ['203.0.113.0/24', '2001:db8:2::/64'],
      ['127.0.0.0/8', '192.0.2.0/24'],
      ['10.0.0.0/8', '0.0.0.0/0', '2001:db8:1::/64'],
    ),
    masqueradeAll: fc.boolean(),
    masqueradeBit: fc.constantFrom(14, 14, 3, 31),
    localhostNodePorts: fc.boolean(),
  })
  .map(({ detection, nodePortAddresses, ...iptables }) => ({
    ...detection,
    detectLocal: { bridgeInterface: 'pod-50', interfaceNamePrefix: 'pod-' },
    nodePortAddresses,
    iptables,
  }));

/** The Node as a scenario finds it. */
export const firstNode = {
  metadata: { name: 'node-1', labels: { 'topology.kubernetes.io/zone': 'zone-a' } },
  spec: { podCIDRs: Object.values(ownPodRange) },
  status: { addresses: Object.values(machine).map((address) => ({ type: 'InternalIP', address })) },
} as const;

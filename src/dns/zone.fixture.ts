import * as fc from 'fast-check';
import { parseAddress } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';
import { formatName, lowerName, parseName } from './name.ts';
import type { Name } from './name.ts';
import { recordType } from './constants.ts';
import type { ResourceRecord } from './record.ts';
import type { KubernetesSettings } from './settings.ts';
import type { ZoneAnswer } from './zone-contract.ts';
import type { ForwardOptions } from './zone-forward.ts';
import type { ZoneChange, ZoneEndpoint, ZonePod, ZonePort, ZoneService, ZoneSlice } from './zone-input.ts';

export function makeSettings(changes: Partial<KubernetesSettings> = {}): KubernetesSettings {
  return {
    zones: [toName('cluster.local.')],
    reverseZones: [toName('in-addr.arpa.'), toName('ip6.arpa.')],
    ttl: 30,
    pods: 'insecure',
    endpointPodNames: false,
    wildcards: false,
    zonal: false,
    ignoreEmptyService: false,
    noEndpoints: false,
    fallthrough: [],
    namespaces: null,
    namespaceLabels: null,
    labels: null,
    startupTimeoutMs: 5000,
    preferSameZone: false,
    ...changes,
  };
}

export const plainOptions: ForwardOptions = { nodeZone: null, serverAddresses: [toAddress('169.254.20.10')], selfService: null };

export function makeChange(changes: Partial<ZoneChange> = {}): ZoneChange {
  const nothing = { services: [], removedServices: [], namespaces: [], removedNamespaces: [], pods: [], removedPods: [] };
  return { ...nothing, synced: true, at: 1_700_000_000, ...changes };
}

export function makeService(key: string, changes: Partial<ZoneService> = {}): ZoneService {
  const [namespace = '', name = ''] = key.split('/');
  return {
    key,
    namespace,
    name,
    kind: 'cluster',
    clusterIps: [],
    externalName: '',
    ports: [],
    slices: [],
    labels: {},
    ...changes,
  };
}

export function makeEndpoint(address: string, changes: Partial<ZoneEndpoint> = {}): ZoneEndpoint {
  return { address: toAddress(address), hostname: null, podName: null, zone: null, ...changes };
}

export function makeSlice(addresses: readonly string[], ports: readonly ZonePort[] = []): ZoneSlice {
  return { ports, endpoints: addresses.map((address) => makeEndpoint(address)), labels: {} };
}

export function toAddress(text: string): Address {
  const address = parseAddress(text);
  if (address === null) throw new TypeError(`not an address: ${text}`);
  return address;
}

/** In lower case. */
export function toName(text: string): Name {
  const name = parseName(text);
  if (name === null) throw new TypeError(`not a name: ${text}`);
  return lowerName(name);
}

/** An answer as comparable text; with `serial: false` the serial number is left out. */
export function showZoneAnswer(answer: ZoneAnswer | null, options: { readonly serial: boolean }): string {
  if (answer === null) return 'the next stage';
  const show = (records: readonly ResourceRecord[]) =>
    records.map((record) => showRecord(options.serial ? record : withoutSerial(record))).toSorted();
  const { rcode, authoritative, chase, zone, preferred } = answer;
  return JSON.stringify([
    rcode,
    authoritative,
    chase,
    zone,
    preferred,
    show(answer.answer),
    show(answer.authority),
    show(answer.additional),
  ]);
}

/** Quick: a walk compares a hundred thousand of them. */
function showRecord({ name, type, ttl, data }: ResourceRecord): string {
  return `${formatName(name)} ${ttl} ${type} ${String.fromCharCode(...data)}`;
}

function withoutSerial(record: ResourceRecord): ResourceRecord {
  if (record.type !== recordType.SOA) return record;
  const data = record.data.slice();
  data.fill(0, data.length - 20, data.length - 16);
  return { ...record, data };
}

/** A small world, in which everything meets everything. */
const namespaces = ['shop', 'store', 'any'];
const serviceNames = ['web', 'db', 'any'];
const addresses = ['10.0.0.1', '10.0.0.2', '10.0.0.3', 'fd00::1', 'fd00:1::'];
const labels = fc.constantFrom({}, { dns: 'on' }, { dns: 'off' });
const port: fc.Arbitrary<ZonePort> = fc.record({
  name: fc.constantFrom('', 'http', 'any'),
  protocol: fc.constantFrom('TCP', 'UDP'),
  port: fc.constantFrom(80, 53),
});
const endpoint: fc.Arbitrary<ZoneEndpoint> = fc.record({
  address: fc.constantFrom(...addresses.map(toAddress)),
  hostname: fc.constantFrom(null, null, 'one', 'any', 'tcp'),
  podName: fc.constantFrom(null, 'pod-1'),
  zone: fc.constantFrom(null, 'a', 'b'),
});
const ports = fc.array(port, { maxLength: 2 });
const slices = fc.array(fc.record({ ports, endpoints: fc.array(endpoint, { maxLength: 2 }), labels }), { maxLength: 2 });
const targets = [
  'www.example.com',
  '10.0.0.9',
  ...namespaces.flatMap((namespace) => serviceNames.map((name) => `${name}.${namespace}.svc.cluster.local`)),
  'cluster.local',
];

const anyService: fc.Arbitrary<ZoneService> = fc
  .record({
    namespace: fc.constantFrom(...namespaces),
    name: fc.constantFrom(...serviceNames),
    kind: fc.constantFrom('cluster' as const, 'headless' as const, 'external' as const),
    clusterIps: fc.subarray(addresses.map(toAddress), { maxLength: 2 }),
    externalName: fc.constantFrom(...targets),
    ports,
    slices,
    labels,
  })
  .map((service) => ({ ...service, key: `${service.namespace}/${service.name}` }));

const anyPod: fc.Arbitrary<ZonePod> = fc
  .record({
    namespace: fc.constantFrom(...namespaces),
    name: fc.constantFrom('p', 'q'),
    addresses: fc.subarray(addresses.map(toAddress), { maxLength: 2 }),
    local: fc.boolean(),
    labels,
  })
  .map(({ name, ...pod }) => ({ ...pod, key: `${pod.namespace}/${name}` }));

const keysOf = (names: readonly string[]) => namespaces.flatMap((namespace) => names.map((name) => `${namespace}/${name}`));

export const anyChange: fc.Arbitrary<ZoneChange> = fc.record({
  services: fc.uniqueArray(anyService, { maxLength: 2, selector: ({ key }) => key }),
  removedServices: fc.subarray(keysOf(serviceNames), { maxLength: 1 }),
  namespaces: fc.uniqueArray(fc.record({ name: fc.constantFrom(...namespaces), labels }), {
    maxLength: 2,
    selector: ({ name }) => name,
  }),
  removedNamespaces: fc.subarray(namespaces, { maxLength: 1 }),
  pods: fc.uniqueArray(anyPod, { maxLength: 1, selector: ({ key }) => key }),
  removedPods: fc.subarray(keysOf(['p', 'q']), { maxLength: 1 }),
  synced: fc.constantFrom(true, true, true, false),
  at: fc.integer({ min: 1_700_000_000, max: 1_700_000_005 }),
});

const onOrOff = [{ label: 'dns', operator: 'in', values: ['on'] }] as const;

export const anySettings: fc.Arbitrary<KubernetesSettings> = fc
  .record({
    pods: fc.constantFrom('disabled' as const, 'insecure' as const, 'verified' as const),
    endpointPodNames: fc.boolean(),
    wildcards: fc.boolean(),
    zonal: fc.boolean(),
    ignoreEmptyService: fc.boolean(),
    noEndpoints: fc.constantFrom(false, false, true),
    preferSameZone: fc.boolean(),
    fallthrough: fc.subarray(['cluster.local.', 'in-addr.arpa.', 'ip6.arpa.'].map(toName)),
    namespaces: fc.constantFrom(null, null, ['shop', 'any']),
    namespaceLabels: fc.constantFrom(null, null, onOrOff),
    labels: fc.constantFrom(null, null, onOrOff),
  })
  .map((changes) => makeSettings(changes));

const belowService = [
  '',
  '10-0-0-1.',
  '10-0-0-3.',
  'fd00-1--0.',
  'one.',
  'any.',
  '*.',
  'pod-1.',
  'tcp.',
  '_tcp.',
  '_http._tcp.',
  '_._udp.',
  'any.any.',
  '*._tcp.',
  'x.any.',
  'a.pin._zone.',
  'c.prefer._zone.',
  '_zone.',
  'pin._zone.',
  'a.b.c.d.',
];

/** Every name of the small world that could have something to say, and some that cannot. */
const worldNames: readonly Name[] = [
  ...['', 'svc.', 'pod.', 'dns.', 'ns.dns.', 'dns-version.', 'x.'].map((head) => `${head}cluster.local.`),
  ...[...namespaces, '*', 'lost'].flatMap((namespace) => [
    ...['svc', 'pod'].map((kind) => `${namespace}.${kind}.cluster.local.`),
    ...['10-0-0-1', 'fd00-1--0', 'web'].map((pod) => `${pod}.${namespace}.pod.cluster.local.`),
    ...[...serviceNames, '*', 'lost'].flatMap((name) =>
      belowService.map((head) => `${head}${name}.${namespace}.svc.cluster.local.`),
    ),
  ]),
  ...['1.0.0.10', '3.0.0.10', '0.0.10', '9.0.0.10'].map((head) => `${head}.in-addr.arpa.`),
  `1.${'0.'.repeat(27)}0.0.d.f.ip6.arpa.`,
  'in-addr.arpa.',
  'example.com.',
].map(toName);

/** Some of them: a walk does not ask everything at every turn. Those that most often have something to say are always there. */
export const someNames: fc.Arbitrary<readonly Name[]> = fc
  .shuffledSubarray([...worldNames], { minLength: 25, maxLength: 25 })
  .map((names) => [...new Set([...coreNames, ...names])]);

const coreNames = namespaces.flatMap((namespace) =>
  serviceNames.flatMap((name) => ['', '10-0-0-1.'].map((head) => toName(`${head}${name}.${namespace}.svc.cluster.local.`))),
);

export const worldTypes: readonly number[] = [
  recordType.A,
  recordType.AAAA,
  recordType.SRV,
  recordType.PTR,
  recordType.SOA,
  recordType.NS,
  recordType.CNAME,
  recordType.TXT,
];

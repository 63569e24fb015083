import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPrefix, isPort, parseAddress, parsePrefix } from '../model/mod.ts';
import type { DnsData, Prefix, ServiceRecord, SliceRecord } from '../model/mod.ts';
import {
  decodeNamespace,
  decodeNode,
  decodePod,
  decodeService,
  decodeSlice,
  isPodGone,
  isProxiedService,
  isProxiedSlice,
} from './decode.ts';
import type { Decoded } from './decode.ts';

const dns: DnsData = { pods: 'all', keepLabels: true };

/** Objects in which every field that is read is set. */
const samples = {
  metadata: {
    name: 'web',
    namespace: 'shop',
    labels: { 'kubernetes.io/service-name': 'web', 'topology.kubernetes.io/zone': 'a' },
    uid: '5d0a3a4e-0000-4000-8000-000000000000',
    creationTimestamp: '2026-05-01T10:20:30Z',
    annotations: {
      'endpoints.kubernetes.io/last-change-trigger-time': '2026-05-01T10:20:30Z',
      'waypost.dev/weights': '{"node-1":3}',
      'waypost.dev/drain-seconds': '60',
      'waypost.dev/node-weight': '3',
      'waypost.dev/ingress': 'fwmark',
      'waypost.dev/port-ranges': 'tcp:40000-40100',
      'waypost.dev/ingress-nodes': 'edge in (a,b)',
      'waypost.dev/health-check': 'http:/live',
      'waypost.dev/health-check-interval': '1s',
    },
  },
  spec: {
    type: 'LoadBalancer',
    externalName: 'www.example.com',
    loadBalancerClass: 'waypost.dev/ingress',
    nodeName: 'n1',
    clusterIP: '10.96.0.1',
    clusterIPs: ['10.96.0.1', 'fd00::1'],
    ipFamilies: ['IPv4', 'IPv6'],
    externalIPs: ['192.0.2.7', '2001:db8::7'],
    loadBalancerSourceRanges: ['10.0.0.0/8', '::/0'],
    sessionAffinity: 'ClientIP',
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
    internalTrafficPolicy: 'Local',
    externalTrafficPolicy: 'Local',
    healthCheckNodePort: 30200,
    ports: [
      { name: 'http', port: 80, protocol: 'TCP', nodePort: 30080 },
      { name: 'dns', port: 53, protocol: 'UDP', nodePort: 30053 },
    ],
    podCIDRs: ['10.244.0.0/24'],
    taints: [{ key: 'ToBeDeletedByClusterAutoscaler' }],
  },
  status: {
    loadBalancer: { ingress: [{ ip: '198.51.100.1', ipMode: 'VIP' }, { hostname: 'x' }] },
    addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
    phase: 'Running',
    podIP: '10.1.0.1',
    podIPs: [{ ip: '10.1.0.1' }, { ip: 'fd00::2' }],
  },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  endpoints: [
    {
      addresses: ['10.1.0.1', '10.1.0.2'],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: 'n1',
      hostname: 'web-0',
      targetRef: { kind: 'Pod', name: 'web-0' },
      hints: { forZones: [{ name: 'a' }], forNodes: [{ name: 'n1' }] },
    },
  ],
};

const decoders: readonly ((raw: unknown) => Decoded<unknown>)[] = [
  (raw) => decodeService(raw, dns),
  (raw) => decodeSlice(raw, dns),
  (raw) => decodeNode(raw, { nodes: true }),
  (raw) => decodeNamespace(raw, dns),
  (raw) => decodePod(raw, dns),
];

type Step = readonly [place: number, junk: unknown];

const junk = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    undefined,
    '',
    0,
    -1,
    65536,
    1.5,
    Number.NaN,
    true,
    [],
    {},
    [[]],
    [null],
    'x'.repeat(5000),
    'a\u009b\u202eb\n',
  ),
  fc.constantFrom<unknown>('None', '::', '0.0.0.0/0', '10.0.0.1', 'IPv6', 'UDP', 80, [{ name: 'a' }], ['10.0.0.1']),
  fc.jsonValue({ maxDepth: 2 }),
);
const steps: fc.Arbitrary<readonly Step[]> = fc.array(fc.tuple(fc.nat(10_000), junk), { minLength: 1, maxLength: 6 });

/** A copy of the sample with some values anywhere in it exchanged. */
function spoil(changes: readonly Step[]): unknown {
  const copy: unknown = structuredClone(samples);
  for (const [place, value] of changes) {
    const slots = listSlots(copy);
    const slot = slots[place % slots.length];
    if (slot !== undefined) slot.holder[slot.key] = structuredClone(value);
  }
  return copy;
}

interface Slot {
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

function listSlots(value: unknown): readonly Slot[] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...listSlots(holder[key])]);
}

function expectAddresses(addresses: readonly string[]): void {
  for (const address of addresses) expect(parseAddress(address)).toBe(address);
}

function expectPrefixes(prefixes: readonly Prefix[]): void {
  for (const prefix of prefixes) expect(parsePrefix(formatPrefix(prefix))).toEqual(prefix);
}

function expectTexts(values: readonly unknown[]): void {
  for (const value of values) expect(typeof value).toBe('string');
}

/** A Service record without what only DNS reads. */
function proxyPart({ proxied: _proxied, publishedIps: _ips, labels: _labels, ...rest }: ServiceRecord): unknown {
  return rest;
}

/** What a proxy uses of a slice. */
function proxySlice({ ports, endpoints, family, service }: SliceRecord): unknown {
  return { ports, family, service, endpoints: endpoints.map(({ address, ready, serving }) => [address, ready, serving]) };
}

function expectPortOrZero(port: number): void {
  expect(port === 0 || isPort(port)).toBe(true);
}

function expectPlainMessages(decoded: Decoded<unknown>): void {
  const messages = decoded.ok ? decoded.warnings.map((warning) => warning.message) : [decoded.problem.message];
  for (const message of messages) {
    expect(message.length).toBeLessThan(400);
    expect(message).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
  }
}

describe('decoding hostile objects', () => {
  it('never throws and gives only usable Services', () => {
    fc.assert(
      fc.property(steps, (changes) => {
        const raw = spoil(changes);
        const decoded = decodeService(raw, dns);
        expectPlainMessages(decoded);
        // What DNS needs changes nothing of what the proxy reads.
        const alone = decodeService(raw);
        expect(decoded.ok && proxyPart(decoded.value)).toEqual(alone.ok && proxyPart(alone.value));
        expect(typeof isProxiedService(raw)).toBe('boolean');
        if (!decoded.ok) return;
        const { value } = decoded;
        expect(value.key).toMatch(/^[\w.-]+\/[\w.-]+$/);
        expect(typeof value.externalName).toBe('string');
        expectTexts(Object.values(value.labels));
        expect(Object.keys(value.publishedIps ?? {}).every((family) => family === 'IPv4' || family === 'IPv6')).toBe(true);
        expectAddresses([
          ...Object.values(value.clusterIps),
          ...Object.values(value.publishedIps ?? {}),
          ...value.externalIps,
          ...value.loadBalancer.map((each) => each.address),
        ]);
        expectPrefixes(value.sourceRanges);
        for (const port of value.ports) {
          expect(port.name).toMatch(/^[\w.-]*$/);
          expect(isPort(port.port)).toBe(true);
          expectPortOrZero(port.nodePort);
        }
        expect(new Set(value.ports.map((port) => `${port.protocol} ${port.port}`)).size).toBe(value.ports.length);
        expect(new Set(value.ports.map((port) => `${port.protocol} ${port.name}`)).size).toBe(value.ports.length);
        expectPortOrZero(value.healthCheckNodePort);
        expect(value.affinity?.timeoutSeconds ?? 1).toBeGreaterThan(0);
        expect(Number.isInteger(value.createdAt) && value.createdAt >= 0).toBe(true);
        expect(value.uid).toMatch(/^[\w.-]*$/);
      }),
      { numRuns: 1000 },
    );
  });

  it('never throws and gives only usable slices', () => {
    fc.assert(
      fc.property(steps, (changes) => {
        const raw = spoil(changes);
        const decoded = decodeSlice(raw, dns);
        expectPlainMessages(decoded);
        const alone = decodeSlice(raw);
        const proxied = decoded.ok && decoded.value.proxied;
        expect(proxied && proxySlice(decoded.value)).toEqual(proxied && alone.ok && proxySlice(alone.value));
        expect(typeof isProxiedSlice(raw)).toBe('boolean');
        if (!decoded.ok) return;
        const { value } = decoded;
        expect(value.service).toMatch(/^[\w.-]+\/[\w.-]+$/);
        expect(value.triggeredAt === null || Number.isInteger(value.triggeredAt)).toBe(true);
        const endpoints = [...value.endpoints, ...value.furtherEndpoints];
        expectTexts(Object.values(value.labels));
        expectAddresses(endpoints.map((each) => each.address));
        for (const each of endpoints) {
          expect(each.hostname ?? 'none').toMatch(/^[\w-]{1,63}$/);
          expect(each.podName ?? 'none').toMatch(/^[\w.-]+$/);
          expect(each.address.includes(':')).toBe(value.family === 'IPv6');
          expect([each.ready, each.serving, each.terminating].map((condition) => typeof condition)).toEqual(
            Array(3).fill('boolean'),
          );
          expect([...each.zoneHints, ...each.nodeHints].every((hint) => typeof hint === 'string' && hint !== '')).toBe(true);
          expect(each.nodeName).not.toBe('');
        }
        for (const port of [...value.ports, ...value.publishedPorts]) expect(isPort(port.port)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('never throws and gives only usable Nodes', () => {
    fc.assert(
      fc.property(steps, (changes) => {
        const decoded = decodeNode(spoil(changes), { nodes: true });
        expectPlainMessages(decoded);
        if (!decoded.ok) return;
        expectAddresses(decoded.value.addresses);
        expectPrefixes(decoded.value.podCidrs);
        expect(decoded.value.zone).not.toBe('');
        expectTexts(Object.values(decoded.value.labels));
        expect(decoded.value.weight ?? 0).toBeLessThanOrEqual(65_535);
      }),
      { numRuns: 500 },
    );
  });

  it('never throws and gives only usable Pods and Namespaces', () => {
    fc.assert(
      fc.property(steps, (changes) => {
        const raw = spoil(changes);
        expect(typeof isPodGone(raw)).toBe('boolean');
        const pod = decodePod(raw, dns);
        const namespace = decodeNamespace(raw, dns);
        expectPlainMessages(pod);
        expectPlainMessages(namespace);
        expect(namespace.ok ? namespace.value.name : 'none').toMatch(/^[\w.-]+$/);
        expectTexts(Object.values(namespace.ok ? namespace.value.labels : {}));
        if (!pod.ok) return;
        expect(pod.value.key).toMatch(/^[\w.-]+\/[\w.-]+$/);
        expect(pod.value.nodeName).not.toBe('');
        expectAddresses(pod.value.addresses);
        expect(new Set(pod.value.addresses).size).toBe(pod.value.addresses.length);
      }),
      { numRuns: 500 },
    );
  });

  it('never throws on arbitrary values', () => {
    fc.assert(
      fc.property(fc.anything(), (raw) => {
        for (const decode of decoders) {
          expect(decode(raw).ok).toBe(false);
        }
      }),
    );
  });

  it('leaves the unspoilt sample whole', () => {
    for (const decode of decoders) expect(decode(samples)).toMatchObject({ ok: true, warnings: [] });
  });
});

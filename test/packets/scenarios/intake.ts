import { answered, refused, timeout, untouched } from '../expect.ts';
import type { ApiObject, Scenario } from '../flow.ts';
import { addressesOf, at, hostNamed, ready, service, slices, terminating } from '../objects.ts';

/** What of the API is taken and what is left (specification 1). */

const foreign = service('foreign', 60, { labels: { 'service.kubernetes.io/service-proxy-name': '' } });
const named = service('named', 61, { type: 'ExternalName', spec: { externalName: 'example.org' } });
const hidden = service('hidden', 62);
const beside = service('beside', 63);
const homeless = service('homeless', 64, { spec: { internalTrafficPolicy: 'Local' } });
const old = service('old', 65, { spec: { ipFamilies: undefined, clusterIPs: undefined, ipFamilyPolicy: undefined } });
const zeros = service('zeros', 66, { spec: { externalIPs: ['198.051.100.066', 'not-an-address', ' 2001:db8:100:0::66 '] } });
const twice = service('twice', 67);
const owners = service('owners', 68);

/** Slices that no proxy may stumble over, in the middle of good ones. */
const besideSlices: readonly ApiObject[] = [
  ...slices('beside', [ready('p1')]),
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'beside-fqdn', namespace: 'default', labels: { 'kubernetes.io/service-name': 'beside' } },
    addressType: 'FQDN',
    ports: [{ name: 'tcp', protocol: 'TCP', port: 8080 }],
    endpoints: [{ addresses: ['backend.example.org'] }],
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'beside-odd', namespace: 'default', labels: { 'kubernetes.io/service-name': 'beside' } },
    addressType: 'IPv4',
    ports: [
      { protocol: 'TCP', port: 9090 },
      { name: 'udp', protocol: 'UDP' },
      { name: 'tcp', port: 8080 },
    ],
    endpoints: [
      { addresses: [] },
      { addresses: [hostNamed('q1').addresses.IPv4, hostNamed('q2').addresses.IPv4], nodeName: 'node-2' },
    ],
  },
];

export const intakeScenarios: readonly Scenario[] = [
  {
    name: 'left to another proxy',
    objects: [foreign.object, ...slices('foreign', [ready('p1')])],
    flows: [
      {
        items: ['SP-2'],
        from: ['pod', 'node'],
        to: [foreign.clusterIp],
        port: 80,
        expect: untouched,
        inMode: { ipvs: refused, nftables: timeout },
      },
    ],
  },
  {
    name: 'ExternalName with a ClusterIP',
    objects: [named.object, ...slices('named', [ready('p1')])],
    flows: [
      {
        items: ['SP-4'],
        from: ['pod', 'node'],
        to: [named.clusterIp],
        port: 80,
        expect: untouched,
        inMode: { ipvs: refused, nftables: timeout },
      },
    ],
  },
  {
    name: 'a slice labelled headless',
    objects: [hidden.object, ...slices('hidden', [ready('p1')], { labels: { 'service.kubernetes.io/headless': '' } })],
    flows: [{ items: ['SP-5'], from: ['pod'], to: [hidden.clusterIp], port: 80, expect: refused }],
  },
  {
    name: 'odd slices beside a good one',
    objects: [beside.object, ...besideSlices],
    flows: [
      {
        items: ['SP-8', 'SP-10', 'SP-11'],
        from: ['pod'],
        to: [beside.clusterIp],
        port: 80,
        families: ['IPv4'],
        protocols: ['TCP'],
        expect: answered(['p1', 'q1'], 'client'),
      },
      {
        items: ['SP-10'],
        from: ['pod'],
        to: [beside.clusterIp],
        port: 80,
        families: ['IPv4'],
        protocols: ['UDP'],
        expect: answered(['p1'], 'client'),
      },
    ],
  },
  {
    name: 'endpoints without a node name',
    objects: [homeless.object, ...slices('homeless', [ready('p1', { homeless: true }), ready('q1', { homeless: true })])],
    flows: [{ items: ['SP-16'], from: ['pod', 'node'], to: [homeless.clusterIp], port: 80, expect: timeout }],
  },
  {
    name: 'an object from before dual-stack',
    objects: [old.object, ...slices('old', [ready('p1')])],
    flows: [
      { items: ['SP-25'], from: ['pod'], to: [old.clusterIp], port: 80, families: ['IPv4'], expect: answered(['p1'], 'client') },
      {
        items: ['SP-25'],
        from: ['pod'],
        to: [old.clusterIp],
        port: 80,
        families: ['IPv6'],
        expect: untouched,
        inMode: { ipvs: refused, nftables: timeout },
      },
    ],
  },
  {
    name: 'addresses written oddly',
    objects: [zeros.object, ...slices('zeros', [ready('p1')])],
    flows: [
      {
        items: ['SP-27'],
        from: ['pod', 'outside'],
        to: [{ name: '198.051.100.066', addresses: { IPv4: addressesOf(66).external.IPv4 } }],
        port: 80,
        expect: answered(['p1'], 'node'),
      },
    ],
  },
  {
    name: 'one endpoint in two slices, terminating in one',
    objects: [
      twice.object,
      ...slices('twice', [terminating('p1'), terminating('q1')], { suffix: 'a' }),
      ...slices('twice', [ready('p1')], { suffix: 'b' }),
    ],
    flows: [{ items: ['SP-15'], from: ['pod'], to: [twice.clusterIp], port: 80, expect: answered(['p1'], 'client') }],
  },
  {
    name: 'a slice that belongs by label, whatever its owner',
    objects: [
      owners.object,
      ...slices('owners', [ready('p2')]).map((slice) => ({
        ...slice,
        metadata: {
          ...slice.metadata,
          ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: 'another', uid: '00000000-0000-0000-0000-000000000001' }],
        },
      })),
    ],
    flows: [
      { items: ['SP-6'], from: ['pod'], to: [owners.clusterIp], port: 80, expect: answered(['p2'], 'client') },
      { items: ['SP-50'], from: ['outside'], to: [at.loopback4], port: 7070, expect: timeout },
      { items: ['SP-50'], from: ['node'], to: [at.loopback4], port: 7070, expect: answered(['node1:7070'], 'any') },
    ],
  },
];

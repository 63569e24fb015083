import { answered, refused, untouched } from '../expect.ts';
import type { Scenario } from '../flow.ts';
import { at, bothPorts, ready, service, slices } from '../objects.ts';

/** Ports, protocols and families (specification 1.3, 1.6 and 2). */

const tcp = ['TCP'] as const;
const udp = ['UDP'] as const;

const several = service('several', 50, {
  type: 'NodePort',
  ports: [
    { name: 'web', protocol: 'TCP', port: 80, nodePort: 30_050 },
    { name: 'admin', protocol: 'TCP', port: 81, nodePort: 31_050 },
  ],
});
const dns = service('dns', 51, {
  ports: [
    { name: 'dns-tcp', protocol: 'TCP', port: 53 },
    { name: 'dns-udp', protocol: 'UDP', port: 53 },
  ],
});
const half = service('half', 52, { type: 'NodePort' });
const tcpOnly = service('tcp-only', 53, {
  type: 'NodePort',
  ports: [{ name: 'tcp', protocol: 'TCP', port: 80, nodePort: 30_053 }],
});
const perSlice = service('per-slice', 54);
const v4Endpoints = service('v4-endpoints', 55, { type: 'NodePort' });
const v6Only = service('v6-only', 56, { type: 'NodePort', families: ['IPv6'] });
const v4Only = service('v4-only', 57, { type: 'NodePort', families: ['IPv4'] });
const unnamed = service('unnamed', 58, { ports: [{ name: '', protocol: 'TCP', port: 80 }] });
const sctp = service('sctp', 59, {
  type: 'NodePort',
  ports: [{ name: 'sctp', protocol: 'SCTP', port: 80, nodePort: 30_059 }],
});

export const portScenarios: readonly Scenario[] = [
  {
    name: 'several ports with different target ports',
    objects: [
      several.object,
      ...slices('several', [ready('p1'), ready('q1')], {
        ports: [
          { name: 'web', protocol: 'TCP', port: 8080 },
          { name: 'admin', protocol: 'TCP', port: 9090 },
        ],
      }),
    ],
    flows: [
      {
        items: ['SP-32'],
        from: ['pod'],
        to: [several.clusterIp],
        port: 80,
        protocols: tcp,
        expect: answered(['p1', 'q1'], 'client'),
      },
      {
        items: ['SP-32'],
        from: ['pod'],
        to: [several.clusterIp],
        port: 81,
        protocols: tcp,
        expect: answered(['p1:9090', 'q1:9090'], 'client'),
      },
      {
        items: ['SP-32'],
        from: ['outside'],
        to: [at.node],
        port: 31_050,
        protocols: tcp,
        expect: answered(['p1:9090', 'q1:9090'], 'node'),
      },
    ],
  },
  {
    name: 'port 53 over TCP and UDP',
    objects: [
      dns.object,
      ...slices('dns', [ready('p1')], { suffix: 'tcp', ports: [{ name: 'dns-tcp', protocol: 'TCP', port: 9090 }] }),
      ...slices('dns', [ready('q1')], { suffix: 'udp', ports: [{ name: 'dns-udp', protocol: 'UDP', port: 8080 }] }),
    ],
    flows: [
      { items: ['SP-31'], from: ['pod'], to: [dns.clusterIp], port: 53, protocols: tcp, expect: answered(['p1:9090'], 'client') },
      { items: ['SP-31'], from: ['pod'], to: [dns.clusterIp], port: 53, protocols: udp, expect: answered(['q1'], 'client') },
    ],
  },
  {
    name: 'endpoints for TCP, none for UDP',
    objects: [half.object, ...slices('half', [ready('p1')], { ports: [{ name: 'tcp', protocol: 'TCP', port: 8080 }] })],
    flows: [
      {
        items: ['SP-31'],
        from: ['pod', 'outside'],
        to: [at.node],
        port: half.nodePort,
        protocols: tcp,
        expect: answered(['p1'], 'node'),
      },
      { items: ['SP-31'], from: ['pod', 'outside'], to: [at.node], port: half.nodePort, protocols: udp, expect: refused },
      { items: ['SP-31'], from: ['pod', 'node'], to: [half.clusterIp], port: 80, protocols: udp, expect: refused },
    ],
  },
  {
    name: 'a TCP port leaves UDP alone',
    objects: [tcpOnly.object, ...slices('tcp-only', [ready('p1')])],
    flows: [
      {
        items: ['SP-31'],
        from: ['pod'],
        to: [tcpOnly.clusterIp],
        port: 80,
        protocols: udp,
        expect: untouched,
        inMode: { ipvs: refused, nftables: refused },
      },
      { items: ['SP-31'], from: ['outside'], to: [at.node], port: tcpOnly.nodePort, protocols: udp, expect: untouched },
      { items: ['SP-31'], from: ['pod'], to: [tcpOnly.clusterIp], port: 80, protocols: tcp, expect: answered(['p1'], 'client') },
    ],
  },
  {
    name: 'two slices with different target ports for one name',
    objects: [
      perSlice.object,
      ...slices('per-slice', [ready('p1')], { suffix: 'a' }),
      ...slices('per-slice', [ready('p2'), ready('q1')], {
        suffix: 'b',
        ports: bothPorts().map((port) => ({ ...port, port: 9090 })),
      }),
    ],
    flows: [
      {
        items: ['SP-12', 'SP-13'],
        from: ['pod'],
        to: [perSlice.clusterIp],
        port: 80,
        expect: answered(['p1', 'p2:9090', 'q1:9090'], 'client'),
      },
    ],
  },
  {
    name: 'dual-stack service with endpoints of one family',
    objects: [v4Endpoints.object, ...slices('v4-endpoints', [ready('p1')], { families: ['IPv4'] })],
    flows: [
      {
        items: ['SP-24'],
        from: ['pod'],
        to: [v4Endpoints.clusterIp],
        port: 80,
        families: ['IPv4'],
        expect: answered(['p1'], 'client'),
      },
      {
        items: ['SP-24', 'SP-65'],
        from: ['pod', 'node', 'outside'],
        to: [v4Endpoints.clusterIp],
        port: 80,
        families: ['IPv6'],
        expect: refused,
      },
      { items: ['SP-24'], from: ['outside'], to: [at.node], port: v4Endpoints.nodePort, families: ['IPv6'], expect: refused },
    ],
  },
  {
    name: 'single-stack services',
    objects: [v6Only.object, ...slices('v6-only', [ready('p1')]), v4Only.object, ...slices('v4-only', [ready('p1')])],
    flows: [
      { items: ['SP-23'], from: ['pod'], to: [v6Only.clusterIp, v4Only.clusterIp], port: 80, expect: answered(['p1'], 'client') },
      {
        items: ['SP-23'],
        from: ['outside'],
        to: [at.node],
        port: v6Only.nodePort,
        families: ['IPv6'],
        expect: answered(['p1'], 'node'),
      },
      { items: ['SP-23'], from: ['outside'], to: [at.node], port: v6Only.nodePort, families: ['IPv4'], expect: untouched },
      { items: ['SP-23'], from: ['outside'], to: [at.node], port: v4Only.nodePort, families: ['IPv6'], expect: untouched },
    ],
  },
  {
    name: 'the port without a name',
    objects: [unnamed.object, ...slices('unnamed', [ready('q1')], { ports: [{ name: '', protocol: 'TCP', port: 8080 }] })],
    flows: [
      { items: ['SP-12'], from: ['pod'], to: [unnamed.clusterIp], port: 80, protocols: tcp, expect: answered(['q1'], 'client') },
    ],
  },
  {
    name: 'SCTP',
    objects: [
      sctp.object,
      ...slices('sctp', [ready('p1'), ready('q1')], { ports: [{ name: 'sctp', protocol: 'SCTP', port: 8080 }] }),
    ],
    flows: [
      {
        items: ['SP-31'],
        from: ['pod'],
        to: [sctp.clusterIp],
        port: 80,
        protocols: ['SCTP'],
        expect: answered(['p1', 'q1'], 'client'),
      },
      {
        items: ['SP-31'],
        from: ['outside'],
        to: [at.node],
        port: 30_059,
        protocols: ['SCTP'],
        expect: answered(['p1', 'q1'], 'node'),
      },
      {
        items: ['SP-31'],
        from: ['pod'],
        to: [sctp.clusterIp],
        port: 80,
        protocols: tcp,
        expect: untouched,
        inMode: { ipvs: refused, nftables: refused },
      },
    ],
  },
];

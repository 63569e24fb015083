import { answered, refused, untouched } from '../expect.ts';
import type { Scenario } from '../flow.ts';
import { at, bothPorts, ready, service, slices } from '../objects.ts';

/** Reaching a Service by ClusterIP, node port, external and load-balancer address; source addresses. */

const web = service('web', 1, { type: 'NodePort' });
const solo = service('solo', 2, { type: 'LoadBalancer', external: true });
const outward = service('outward', 3, { external: true });
const proxied = service('proxied', 4, {
  type: 'LoadBalancer',
  ingress: [
    { ip: '198.51.100.104', ipMode: 'Proxy' },
    { ip: '2001:db8:100::1:4', ipMode: 'Proxy' },
  ],
});
const vip = service('vip', 5, {
  type: 'LoadBalancer',
  ports: bothPorts(),
  ingress: [{ hostname: 'lb.example.org' }, { ip: '198.51.100.105', ipMode: 'VIP' }, { ip: '2001:db8:100::1:5' }],
  spec: { allocateLoadBalancerNodePorts: false },
});
const shadow = service('shadow', 6, {
  ports: bothPorts().map((port) => ({ ...port, port: 30_007 })),
  spec: { externalIPs: Object.values(at.node.addresses) },
});
const shadowed = service('shadowed', 7, { type: 'NodePort' });
const hosted = service('hosted', 8);

export const addressScenarios: readonly Scenario[] = [
  {
    name: 'node port service with local and remote endpoints',
    objects: [web.object, ...slices('web', [ready('p1'), ready('p2'), ready('q1')])],
    flows: [
      { items: ['SP-87', 'SP-22'], from: ['pod'], to: [web.clusterIp], port: 80, expect: answered(['p1', 'p2', 'q1'], 'client') },
      {
        items: ['SP-88'],
        from: ['node', 'outside'],
        to: [web.clusterIp],
        port: 80,
        expect: answered(['p1', 'p2', 'q1'], 'node'),
      },
      {
        items: ['SP-42', 'SP-91'],
        from: ['pod', 'node', 'outside'],
        to: [at.node],
        port: web.nodePort,
        expect: answered(['p1', 'p2', 'q1'], 'node'),
      },
      {
        items: ['SP-42', 'SP-91'],
        from: ['pod', 'node', 'outside'],
        to: [at.secondAddress],
        port: web.nodePort,
        expect: answered(['p1', 'p2', 'q1'], 'node'),
        inMode: { nftables: untouched },
      },
      {
        items: ['SP-48'],
        from: ['node'],
        to: [at.loopback4],
        port: web.nodePort,
        expect: answered(['p1', 'p2', 'q1'], 'node'),
        inMode: { nftables: untouched },
      },
      { items: ['SP-49'], from: ['node'], to: [at.loopback6], port: web.nodePort, expect: untouched },
      { items: [], from: ['pod', 'outside'], to: [at.otherNode], port: web.nodePort, expect: untouched },
      {
        items: ['SP-74'],
        from: ['pod', 'node', 'outside'],
        to: [web.clusterIp],
        port: 81,
        expect: untouched,
        inMode: { ipvs: refused, nftables: refused },
      },
      {
        items: ['SP-93'],
        from: ['pod:p1'],
        to: [web.clusterIp],
        port: 80,
        expect: answered(['p1', 'p2', 'q1'], { p1: 'node', p2: 'client', q1: 'client' }),
      },
      { items: ['SP-98'], from: ['pod', 'outside'], to: [at.host('p1')], port: 8080, expect: answered(['p1'], 'client') },
      { items: ['SP-98'], from: ['pod', 'outside'], to: [at.host('q1')], port: 8080, expect: answered(['q1'], 'client') },
    ],
  },
  {
    name: 'one endpoint that calls itself',
    objects: [solo.object, ...slices('solo', [ready('p1')])],
    flows: [
      {
        items: ['SP-93'],
        from: ['pod:p1'],
        to: [solo.clusterIp, solo.externalIp, solo.loadBalancerIp],
        port: 80,
        expect: answered(['p1'], 'node'),
      },
      { items: ['SP-93'], from: ['pod:p1'], to: [at.node], port: solo.nodePort, expect: answered(['p1'], 'node') },
      {
        items: ['SP-91'],
        from: ['pod', 'node', 'outside'],
        to: [solo.externalIp, solo.loadBalancerIp],
        port: 80,
        expect: answered(['p1'], 'node'),
      },
    ],
  },
  {
    name: 'ClusterIP service with external addresses',
    objects: [outward.object, ...slices('outward', [ready('p2'), ready('q2')])],
    flows: [
      {
        items: ['SP-33', 'SP-91'],
        from: ['pod', 'node', 'outside'],
        to: [outward.externalIp],
        port: 80,
        expect: answered(['p2', 'q2'], 'node'),
      },
      { items: [], from: ['pod', 'outside'], to: [outward.loadBalancerIp], port: 80, expect: untouched },
    ],
  },
  {
    name: 'load balancer addresses by mode',
    objects: [proxied.object, ...slices('proxied', [ready('p1')]), vip.object, ...slices('vip', [ready('p2')])],
    flows: [
      { items: ['SP-35'], from: ['pod', 'node', 'outside'], to: [proxied.loadBalancerIp], port: 80, expect: untouched },
      { items: ['SP-35'], from: ['outside'], to: [at.node], port: proxied.nodePort, expect: answered(['p1'], 'node') },
      {
        items: ['SP-35', 'SP-36', 'SP-37'],
        from: ['pod', 'node', 'outside'],
        to: [vip.loadBalancerIp],
        port: 80,
        expect: answered(['p2'], 'node'),
      },
    ],
  },
  {
    name: 'an external address that is the node’s own wins over a node port',
    objects: [shadow.object, ...slices('shadow', [ready('p2')]), shadowed.object, ...slices('shadowed', [ready('p3')])],
    flows: [
      { items: ['SP-51'], from: ['pod', 'node', 'outside'], to: [at.node], port: 30_007, expect: answered(['p2'], 'node') },
      {
        items: ['SP-51'],
        from: ['outside'],
        to: [at.secondAddress],
        port: 30_007,
        expect: answered(['p3'], 'node'),
        inMode: { nftables: untouched },
      },
    ],
  },
  {
    name: 'endpoint in the host network of this node',
    objects: [hosted.object, ...slices('hosted', [ready('node1')])],
    flows: [
      { items: ['IPVS-29'], from: ['pod'], to: [hosted.clusterIp], port: 80, expect: answered(['node1'], 'client') },
      { items: ['IPVS-29'], from: ['node', 'outside'], to: [hosted.clusterIp], port: 80, expect: answered(['node1'], 'any') },
    ],
  },
];

import { answered, refused, timeout, untouched } from '../expect.ts';
import type { FlowSpec, Scenario } from '../flow.ts';
import { at, ready, service, slices } from '../objects.ts';

/** The reference packet matrix, row by row, with Services of its own (specification 16). */

const inner = service('matrix-inner', 80);
const every = service('matrix-every', 81, { type: 'LoadBalancer', external: true });
const local = { type: 'LoadBalancer', external: true, spec: { externalTrafficPolicy: 'Local' } } as const;
const here = service('matrix-here', 82, local);
const remote = service('matrix-remote', 83, local);
const innerLocal = service('matrix-inner-local', 84, { spec: { internalTrafficPolicy: 'Local' } });
const empty = service('matrix-empty', 85, { type: 'LoadBalancer', external: true });
const fenced = service('matrix-fenced', 86, {
  type: 'LoadBalancer',
  spec: { loadBalancerSourceRanges: ['203.0.113.0/24', '2001:db8:9::/64'] },
});

const items = ['SP-179'];
const anyone = ['pod', 'node', 'outside'] as const;
const both = ['p1', 'q1'];

/** A row whose destinations are the LB IP, the external IP and the node port of one Service. */
function outer(from: FlowSpec['from'], subject: typeof every, expect: FlowSpec['expect']): FlowSpec[] {
  return [
    { items, from, to: [subject.loadBalancerIp, subject.externalIp], port: 80, expect },
    { items, from, to: [at.node], port: subject.nodePort, expect },
  ];
}

export const matrixScenarios: readonly Scenario[] = [
  {
    name: 'matrix: ClusterIP service with a local and a remote endpoint',
    objects: [inner.object, ...slices('matrix-inner', [ready('p1'), ready('q1')])],
    flows: [
      { items, from: ['pod'], to: [inner.clusterIp], port: 80, expect: answered(both, 'client') },
      { items, from: ['pod:p1'], to: [inner.clusterIp], port: 80, expect: answered(both, { p1: 'node', q1: 'client' }) },
      { items, from: ['node', 'outside'], to: [inner.clusterIp], port: 80, expect: answered(both, 'node') },
      { items, from: anyone, to: [inner.clusterIp], port: 81, expect: untouched, inMode: { ipvs: refused, nftables: refused } },
      {
        items: [...items, 'SP-75'],
        from: anyone,
        to: [at.address('10.96.0.199', 'fd00:10:96::199')],
        port: 80,
        expect: untouched,
        inMode: { ipvs: refused, nftables: timeout },
      },
    ],
  },
  {
    name: 'matrix: load balancer, external policy Cluster',
    objects: [every.object, ...slices('matrix-every', [ready('p1'), ready('q1')])],
    flows: [
      ...outer(anyone, every, answered(both, 'node')),
      {
        items,
        from: ['node'],
        to: [at.loopback4],
        port: every.nodePort,
        expect: answered(both, 'node'),
        inMode: { nftables: untouched },
      },
      {
        items,
        from: ['outside'],
        to: [at.secondAddress],
        port: every.nodePort,
        expect: answered(both, 'node'),
        inMode: { nftables: untouched },
      },
    ],
  },
  {
    name: 'matrix: load balancer, external policy Local, a local and a remote endpoint',
    objects: [here.object, ...slices('matrix-here', [ready('p1'), ready('q1')])],
    flows: [
      ...outer(['outside'], here, answered(['p1'], 'client')),
      ...outer(['pod'], here, answered(both, 'client')),
      ...outer(['node'], here, answered(both, 'node')),
    ],
  },
  {
    name: 'matrix: load balancer, external policy Local, a remote endpoint only',
    objects: [remote.object, ...slices('matrix-remote', [ready('q1')])],
    flows: [
      ...outer(['outside'], remote, timeout),
      ...outer(['pod'], remote, answered(['q1'], 'client')),
      ...outer(['node'], remote, answered(['q1'], 'node')),
    ],
  },
  {
    name: 'matrix: internal policy Local, a remote endpoint only',
    objects: [innerLocal.object, ...slices('matrix-inner-local', [ready('q1')])],
    flows: [{ items, from: ['pod', 'node'], to: [innerLocal.clusterIp], port: 80, expect: timeout }],
  },
  {
    name: 'matrix: no endpoints',
    objects: [empty.object],
    flows: [
      { items, from: anyone, to: [empty.clusterIp], port: 80, expect: refused },
      { items, from: ['pod', 'outside'], to: [empty.loadBalancerIp, empty.externalIp], port: 80, expect: refused },
      {
        items,
        from: ['node'],
        to: [empty.loadBalancerIp, empty.externalIp],
        port: 80,
        expect: untouched,
        inMode: { ipvs: refused, nftables: refused },
      },
      { items, from: anyone, to: [at.node], port: empty.nodePort, expect: refused },
    ],
  },
  {
    name: 'matrix: source ranges that list nobody here',
    objects: [fenced.object, ...slices('matrix-fenced', [ready('p1'), ready('q1')])],
    flows: [
      { items, from: ['pod', 'node'], to: [fenced.loadBalancerIp], port: 80, expect: timeout },
      { items, from: ['outside'], to: [at.node], port: fenced.nodePort, expect: answered(both, 'node') },
    ],
  },
];

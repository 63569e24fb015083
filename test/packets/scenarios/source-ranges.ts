import { answered, refused, timeout } from '../expect.ts';
import type { Scenario } from '../flow.ts';
import { at, plan, ready, service, slices } from '../objects.ts';

/** loadBalancerSourceRanges (specification 5). */

const outsideOnly = [`${plan.outside.addresses.IPv4}/32`, ` ${plan.outside.addresses.IPv6}/128 `, '', 'nonsense'];

const listed = service('listed', 70, { type: 'LoadBalancer', external: true, spec: { loadBalancerSourceRanges: outsideOnly } });
const wide = service('wide', 71, {
  type: 'LoadBalancer',
  spec: { loadBalancerSourceRanges: ['203.0.113.0/24', '0.0.0.0/0'] },
});
const listedLocal = service('listed-local', 72, {
  type: 'LoadBalancer',
  spec: { loadBalancerSourceRanges: outsideOnly, externalTrafficPolicy: 'Local' },
});
const listedEmpty = service('listed-empty', 73, {
  type: 'LoadBalancer',
  spec: { loadBalancerSourceRanges: ['203.0.113.0/24', '2001:db8:ffff::/48'] },
});
const withNode = service('with-node', 74, {
  type: 'LoadBalancer',
  spec: { loadBalancerSourceRanges: ['192.0.2.99/24', '2001:db8:1::/64'] },
});
const listedFar = service('listed-far', 75, {
  type: 'LoadBalancer',
  spec: { loadBalancerSourceRanges: outsideOnly, externalTrafficPolicy: 'Local' },
});

export const sourceRangeScenarios: readonly Scenario[] = [
  {
    name: 'only the outside client is allowed',
    objects: [listed.object, ...slices('listed', [ready('p1'), ready('q1')])],
    flows: [
      {
        items: ['SP-99', 'SP-28'],
        from: ['outside'],
        to: [listed.loadBalancerIp],
        port: 80,
        expect: answered(['p1', 'q1'], 'node'),
      },
      { items: ['SP-99', 'SP-103'], from: ['pod', 'node'], to: [listed.loadBalancerIp], port: 80, expect: timeout },
      { items: ['SP-100'], from: ['pod'], to: [listed.externalIp], port: 80, expect: answered(['p1', 'q1'], 'node') },
      { items: ['SP-100'], from: ['pod'], to: [at.node], port: listed.nodePort, expect: answered(['p1', 'q1'], 'node') },
      { items: ['SP-100'], from: ['pod'], to: [listed.clusterIp], port: 80, expect: answered(['p1', 'q1'], 'client') },
    ],
  },
  {
    name: 'a range that is everyone, and ranges of one family',
    objects: [wide.object, ...slices('wide', [ready('p1')])],
    flows: [
      {
        items: ['SP-101'],
        from: ['pod', 'node', 'outside'],
        to: [wide.loadBalancerIp],
        port: 80,
        expect: answered(['p1'], 'node'),
      },
    ],
  },
  {
    name: 'ranges before the short-circuit of external policy Local',
    objects: [listedLocal.object, ...slices('listed-local', [ready('p1'), ready('q1')])],
    flows: [
      { items: ['SP-104'], from: ['pod'], to: [listedLocal.loadBalancerIp], port: 80, expect: timeout },
      { items: ['SP-99'], from: ['outside'], to: [listedLocal.loadBalancerIp], port: 80, expect: answered(['p1'], 'client') },
    ],
  },
  {
    name: 'ranges without endpoints',
    objects: [listedEmpty.object],
    flows: [
      {
        items: ['SP-105'],
        from: ['pod', 'outside'],
        to: [listedEmpty.loadBalancerIp],
        port: 80,
        expect: refused,
        inMode: { nftables: timeout },
      },
    ],
  },
  {
    name: 'ranges that hold the node and the outside client',
    objects: [withNode.object, ...slices('with-node', [ready('p1')])],
    flows: [
      { items: ['SP-29'], from: ['node', 'outside'], to: [withNode.loadBalancerIp], port: 80, expect: answered(['p1'], 'node') },
      { items: ['SP-99'], from: ['pod'], to: [withNode.loadBalancerIp], port: 80, expect: timeout },
    ],
  },
  {
    name: 'ranges and external policy Local without endpoints here',
    objects: [listedFar.object, ...slices('listed-far', [ready('q1')])],
    flows: [
      { items: ['SP-103'], from: ['node'], to: [listedFar.loadBalancerIp], port: 80, expect: timeout },
      { items: ['SP-104'], from: ['pod'], to: [listedFar.loadBalancerIp], port: 80, expect: timeout },
      { items: ['SP-67'], from: ['outside'], to: [listedFar.loadBalancerIp], port: 80, expect: timeout },
      { items: ['SP-100'], from: ['pod'], to: [at.node], port: listedFar.nodePort, expect: answered(['q1'], 'client') },
    ],
  },
];

import { describe, expect, test } from 'vitest';
import { parsePrefix } from '../model/mod.ts';
import type { Frontend, Route } from '../model/mod.ts';
import { address, endpoint, service, servicePort, slice } from './records.fixture.ts';
import { deriveFrontends } from './view.ts';
import type { Viewpoint } from './view.ts';

const here: Viewpoint = {
  family: 'IPv4',
  nodeName: 'node-1',
  zone: null,
  nodeAddress: address('192.0.2.11'),
  detectsPods: true,
  masqueradeAll: false,
  externalIps: true,
};

const local = endpoint('10.244.1.2', { nodeName: 'node-1' });
const remote = endpoint('10.244.2.2');
const nodePorted = service({ type: 'NodePort', ports: [servicePort({ nodePort: 30080 })] });

/** `C*` is the cluster pool with masquerade, `L` the local pool without. */
function short(route: Route): string {
  if (route.verdict !== 'forward') return route.verdict;
  return (route.pool.key.endsWith('#local') ? 'L' : 'C') + (route.masquerade ? '*' : '');
}

function routesOf(frontends: readonly Frontend[], kind: Frontend['kind']): string {
  const frontend = frontends.find((one) => one.kind === kind);
  return frontend === undefined
    ? 'none'
    : [frontend.routes.pod, frontend.routes.node, frontend.routes.outside].map(short).join(' ');
}

function destinations(frontends: readonly Frontend[]): string[] {
  return frontends.map((one) => `${one.kind} ${one.address ?? '*'}:${one.port}/${one.protocol}`);
}

describe('which frontends a Service has', () => {
  test('[SP-4] a headless Service and an ExternalName Service with a ClusterIP have none', () => {
    expect(deriveFrontends(service({ headless: true }), [slice([local])], here)).toEqual([]);
    expect(deriveFrontends(service({ type: 'ExternalName' }), [slice([local])], here)).toEqual([]);
  });

  test('[SP-23] none in a family without a ClusterIP', () => {
    expect(deriveFrontends(service(), [slice([local])], { ...here, family: 'IPv6' })).toEqual([]);
  });

  test('[SP-33] [SP-35] external IPs for any type, VIP-mode load-balancer IPs, not those in Proxy mode', () => {
    const full = service({
      externalIps: [address('198.51.100.7'), address('198.51.100.7'), address('2001:db8::7')],
      loadBalancer: [
        { address: address('203.0.113.9'), ipMode: 'VIP' },
        { address: address('203.0.113.8'), ipMode: 'Proxy' },
      ],
      ports: [servicePort({ nodePort: 30080 })],
    });
    expect(destinations(deriveFrontends(full, [], here))).toEqual([
      'ClusterIP 10.96.0.10:80/TCP',
      'NodePort *:30080/TCP',
      'ExternalIP 198.51.100.7:80/TCP',
      'LoadBalancerIP 203.0.113.9:80/TCP',
    ]);
  });

  test('[SP-34] with external IPs switched off only they are gone', () => {
    const full = service({
      externalLocal: true,
      externalIps: [address('198.51.100.7')],
      loadBalancer: [{ address: address('203.0.113.9'), ipMode: 'VIP' }],
      ports: [servicePort({ nodePort: 30080 })],
    });
    const all = deriveFrontends(full, [slice([local, remote])], here);
    expect(all.map(({ kind }) => kind)).toContain('ExternalIP');
    expect(deriveFrontends(full, [slice([local, remote])], { ...here, externalIps: false })).toEqual(
      all.filter(({ kind }) => kind !== 'ExternalIP'),
    );
  });

  test('[SP-31] the same number under two protocols is two independent ports', () => {
    const dns = service({
      ports: [
        servicePort({ name: 'dns', protocol: 'UDP', port: 53 }),
        servicePort({ name: 'dns-tcp', protocol: 'TCP', port: 53 }),
      ],
    });
    const slices = [slice([local], { ports: [{ name: 'dns', protocol: 'UDP', port: 5353 }] })];
    const [udp, tcp] = deriveFrontends(dns, slices, here);
    expect([udp?.routes.pod.verdict, tcp?.routes.pod.verdict]).toEqual(['forward', 'reject']);
  });
});

describe('what becomes of a connection (specification 3.3 and 4.1)', () => {
  const localPolicy = { ...nodePorted, externalLocal: true };
  test.each([
    ['[SP-87] [SP-88] ClusterIP, detector on', nodePorted, [local, remote], here, 'ClusterIP', 'C C* C*'],
    ['[SP-89] ClusterIP, detector off', nodePorted, [local], { ...here, detectsPods: false }, 'ClusterIP', 'C C C'],
    ['[SP-90] ClusterIP, masqueradeAll', nodePorted, [local], { ...here, masqueradeAll: true }, 'ClusterIP', 'C* C* C*'],
    ['[SP-91] node port, policy Cluster', nodePorted, [local, remote], here, 'NodePort', 'C* C* C*'],
    ['[SP-69] [SP-70] [SP-92] node port, policy Local, local endpoint', localPolicy, [local, remote], here, 'NodePort', 'C C* L'],
    ['[SP-67] node port, policy Local, remote endpoint', localPolicy, [remote], here, 'NodePort', 'C C* drop'],
    ['[SP-68] node port, policy Local, no endpoint', localPolicy, [], here, 'NodePort', 'reject reject reject'],
    ['[SP-71] policy Local, detector off', localPolicy, [local], { ...here, detectsPods: false }, 'NodePort', 'L C* L'],
    ['[SP-41] policy Local leaves the ClusterIP alone', localPolicy, [remote], here, 'ClusterIP', 'C C* C*'],
    [
      '[SP-66] internal policy Local, remote endpoint',
      { ...nodePorted, internalLocal: true },
      [remote],
      here,
      'ClusterIP',
      'drop drop drop',
    ],
    [
      'internal policy Local, local endpoint',
      { ...nodePorted, internalLocal: true },
      [local, remote],
      here,
      'ClusterIP',
      'L L* L*',
    ],
    [
      '[SP-41] internal policy leaves the node port alone',
      { ...nodePorted, internalLocal: true },
      [remote],
      here,
      'NodePort',
      'C* C* C*',
    ],
    [
      '[SP-65] nothing usable',
      nodePorted,
      [endpoint('10.244.1.3', { ready: false, serving: false })],
      here,
      'ClusterIP',
      'reject reject reject',
    ],
    [
      '[SP-40] policy Local on a plain ClusterIP Service',
      service({ externalLocal: true }),
      [remote],
      here,
      'ClusterIP',
      'C C* C*',
    ],
  ] as const)('%s', (_, subject, endpoints, from, kind, expected) => {
    expect(routesOf(deriveFrontends(subject, [slice(endpoints)], from), kind)).toBe(expected);
  });
});

describe('merging slices', () => {
  const backendsOf = (slices: Parameters<typeof deriveFrontends>[1]): string[] => {
    const route = deriveFrontends(service(), slices, here)[0]?.routes.outside;
    return route?.verdict === 'forward' ? route.pool.backends.map((one) => `${one.address}:${one.port}`) : [];
  };

  test('[SP-12] [SP-13] slices are united, each with its own port number, in the order of ip:port', () => {
    const second = slice([endpoint('10.244.1.9')], { key: 'shop/web-2', ports: [{ name: 'http', protocol: 'TCP', port: 9090 }] });
    expect(backendsOf([second, slice([remote, local])])).toEqual(['10.244.1.2:8080', '10.244.1.9:9090', '10.244.2.2:8080']);
  });

  test('[SP-15] not terminating beats terminating, in both orders', () => {
    const going = endpoint('10.244.1.2', { ready: false, terminating: true });
    const other = slice([going], { key: 'shop/web-2' });
    expect(backendsOf([slice([local]), other])).toEqual(backendsOf([other, slice([local])]));
    expect(backendsOf([other, slice([local, remote])])).toHaveLength(2);
  });

  test('[SP-22] slices of the other family and other ports are not used', () => {
    const six = slice([endpoint('fd00::1')], { family: 'IPv6' });
    expect(backendsOf([six, slice([local], { ports: [{ name: 'metrics', protocol: 'TCP', port: 1 }] })])).toEqual([]);
  });
});

describe('source ranges (specification 5)', () => {
  const prefixes = (...texts: string[]) => texts.flatMap((text) => parsePrefix(text) ?? []);
  const balanced = (...ranges: string[]) =>
    service({ loadBalancer: [{ address: address('203.0.113.9'), ipMode: 'VIP' }], sourceRanges: prefixes(...ranges) });
  const allowed = (...ranges: string[]): string[] | null | undefined => {
    const frontends = deriveFrontends(balanced(...ranges), [slice([local])], here);
    expect(frontends.filter((one) => one.kind !== 'LoadBalancerIP').every((one) => one.allowedSources === null)).toBe(true);
    const sources = frontends.find((one) => one.kind === 'LoadBalancerIP')?.allowedSources;
    return sources === null ? null : sources?.prefixes.map((one) => `${one.address}/${one.length}`);
  };

  test('[SP-100] [SP-101] only load-balancer IPs are filtered; a zero-length prefix or only the other family opens', () => {
    expect(allowed('198.51.100.0/24', '2001:db8::/32')).toEqual(['198.51.100.0/24']);
    expect(allowed('198.51.100.0/24', '0.0.0.0/0')).toBeNull();
    expect(allowed('2001:db8::/32')).toBeNull();
  });

  test('[SP-102] the node inside a range may use the VIP as its source', () => {
    expect(allowed('192.0.2.0/24')).toEqual(['192.0.2.0/24', '203.0.113.9/32']);
  });
});

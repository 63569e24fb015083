import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConntrackMemory } from './conntrack-memory.ts';
import { deriveUdpPorts, portOf } from './conntrack-ports.ts';
import type { UdpPort } from './conntrack-ports.ts';
import { address, endpoint, service, servicePort, slice } from './records.fixture.ts';
import { servingEndpoints } from './serving-endpoints.ts';

const dnsPort = servicePort({ name: 'dns', protocol: 'UDP', port: 53, nodePort: 30053 });
const dnsSlice = (...endpoints: Parameters<typeof slice>[0]) =>
  slice(endpoints, { ports: [{ name: 'dns', protocol: 'UDP', port: 5353 }] });

test('serving endpoints: terminating ones count, any node counts, neither readiness nor hints do', () => {
  const slices = [
    dnsSlice(
      endpoint('10.244.1.1'),
      endpoint('10.244.1.2', { ready: false, serving: true, terminating: true }),
      endpoint('10.244.1.3', { ready: false, serving: false, terminating: true }),
      endpoint('10.244.1.4', { ready: false, serving: false }),
      endpoint('10.244.1.5', { zoneHints: ['elsewhere'] }),
    ),
    slice([endpoint('fd00::1')], { family: 'IPv6', ports: [{ name: 'dns', protocol: 'UDP', port: 5353 }] }),
  ];
  expect([...servingEndpoints(dnsPort, slices, 'IPv4')]).toEqual(['10.244.1.1:5353', '10.244.1.2:5353', '10.244.1.5:5353']);
  expect([...servingEndpoints(dnsPort, slices, 'IPv6')]).toEqual(['[fd00::1]:5353']);
  expect([...servingEndpoints({ ...dnsPort, protocol: 'TCP' }, slices, 'IPv4')]).toEqual([]);
});

test('the UDP ports of a Service, with every kind of frontend of the family', () => {
  const subject = service({
    type: 'LoadBalancer',
    clusterIps: { IPv4: address('10.96.0.10'), IPv6: address('fd00::a') },
    externalIps: [address('198.51.100.1'), address('2001:db8::1')],
    loadBalancer: [
      { address: address('198.51.100.7'), ipMode: 'VIP' },
      { address: address('198.51.100.8'), ipMode: 'Proxy' },
    ],
    ports: [servicePort({ name: 'dns-tcp', port: 53 }), dnsPort, servicePort({ name: 'x', protocol: 'SCTP', port: 53 })],
    internalLocal: true,
    externalLocal: true,
  });
  const slices = [dnsSlice(endpoint('10.244.2.1', { nodeName: 'node-9' }))];
  expect(deriveUdpPorts(subject, slices, 'IPv4')).toEqual([
    {
      frontends: ['10.96.0.10:53', '*:30053', '198.51.100.1:53', '198.51.100.7:53'],
      backends: new Set(['10.244.2.1:5353']),
    },
  ]);
  expect(deriveUdpPorts(subject, slices, 'IPv6')).toEqual([
    { frontends: ['[fd00::a]:53', '*:30053', '[2001:db8::1]:53'], backends: new Set() },
  ]);
  expect(['*:30053', '[fd00::a]:53', '10.96.0.10:80'].map(portOf)).toEqual([30053, 53, 80]);
});

test('Services that are not proxied have none', () => {
  const headless = service({ headless: true, clusterIps: {}, ports: [dnsPort] });
  const external = service({ type: 'ExternalName', clusterIps: {}, ports: [dnsPort] });
  expect([headless, external].map((one) => deriveUdpPorts(one, [], 'IPv4'))).toEqual([[], []]);
});

test('the memory finds by frontend what a plain list of Services would, after any changes', () => {
  const key = fc.constantFrom('a:1', 'b:1', 'c:2', '*:3');
  const port = fc.record({
    frontends: fc.uniqueArray(key, { minLength: 1 }),
    backends: fc.array(fc.constantFrom('x:1', 'y:1')).map((all) => new Set(all)),
  });
  const step = fc.record({ service: fc.constantFrom('s/1', 's/2', 's/3'), ports: fc.array(port, { maxLength: 3 }) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const memory = new ConntrackMemory();
      const plain = new Map<string, readonly UdpPort[]>();
      for (const { service: name, ports } of steps) {
        const before = plain.get(name) ?? [];
        const changed = memory.remember(name, ports);
        plain.set(name, ports);
        const touched = JSON.stringify(describe(before)) === JSON.stringify(describe(ports)) ? [] : [...before, ...ports];
        expect(new Set(changed)).toEqual(new Set(touched.flatMap(({ frontends }) => frontends)));
      }
      const all = [...plain.values()].flat();
      for (const one of ['a:1', 'b:1', 'c:2', '*:3']) {
        const owners = all.filter(({ frontends }) => frontends.includes(one));
        expect(sorted(memory.ownersOf(one))).toEqual(sorted(owners));
      }
      expect(new Set(memory.frontends())).toEqual(new Set(all.flatMap(({ frontends }) => frontends)));
      expect([...memory.services()].toSorted()).toEqual(
        [...plain]
          .filter(([, ports]) => ports.length > 0)
          .map(([name]) => name)
          .toSorted(),
      );
    }),
  );
});

const describe = (ports: readonly UdpPort[]): unknown =>
  ports.map(({ frontends, backends }) => [frontends, [...backends].toSorted()]);
const sorted = (ports: readonly UdpPort[]): string[] => ports.map((port) => JSON.stringify(describe([port]))).toSorted();

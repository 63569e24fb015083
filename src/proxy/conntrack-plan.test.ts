import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatEndpoint } from '../model/mod.ts';
import type { Address, Protocol } from '../model/mod.ts';
import type { ConntrackFlow } from '../netlink/mod.ts';
import { planRemovals } from './conntrack-plan.ts';
import type { UdpPort } from './conntrack-ports.ts';
import { address } from './records.fixture.ts';

const serviceIp = '10.96.0.10';
const nodeIp = '192.0.2.11';

function flow(
  destination: string,
  port: number,
  replier: string,
  replierPort: number,
  over: Partial<ConntrackFlow> = {},
): ConntrackFlow {
  return {
    family: 'IPv4',
    protocol: 'UDP',
    source: address('10.244.1.9'),
    sourcePort: 4000,
    destination: address(destination),
    destinationPort: port,
    replySource: address(replier),
    replySourcePort: replierPort,
    zone: 0,
    originalZone: 0,
    id: 1,
    ...over,
  };
}

const dns: UdpPort = {
  frontends: [`${serviceIp}:53`, '*:30053', '198.51.100.7:53'],
  backends: new Set(['10.244.1.2:5353', '10.244.2.2:5353']),
};

function plan(flows: readonly ConntrackFlow[], ports: readonly UdpPort[], examined: readonly string[]): ConntrackFlow[] {
  return planRemovals(flows, {
    examined: new Set(examined),
    ownersOf: (key) => ports.filter((port) => port.frontends.includes(key)),
    acceptsNodePorts: (one) => one === nodeIp,
  });
}

const stale = (
  flows: readonly ConntrackFlow[],
  ports: readonly UdpPort[],
  examined: readonly string[] = dns.frontends,
): boolean[] => {
  const removals = plan(flows, ports, examined);
  return flows.map((one) => removals.includes(one));
};

describe('a served port', () => {
  test('[SP-109] flows to a back end that no longer serves go, through every kind of frontend', () => {
    const through = (destination: string, port: number): ConntrackFlow[] => [
      flow(destination, port, '10.244.1.2', 5353),
      flow(destination, port, '10.244.1.3', 5353),
      flow(destination, port, '10.244.1.2', 5354),
    ];
    for (const [destination, port] of [
      [serviceIp, 53],
      ['198.51.100.7', 53],
      [nodeIp, 30053],
    ] as const) {
      expect(stale(through(destination, port), [dns])).toEqual([false, true, true]);
    }
  });

  test('[SP-108] a flow that began untranslated goes', () => {
    expect(stale([flow(serviceIp, 53, serviceIp, 53)], [dns])).toEqual([true]);
    expect(stale([flow(nodeIp, 30053, nodeIp, 30053)], [dns])).toEqual([true]);
  });

  test('with no serving endpoint left every flow goes', () => {
    const none = { ...dns, backends: new Set<string>() };
    expect(stale([flow(serviceIp, 53, '10.244.1.2', 5353), flow(serviceIp, 53, serviceIp, 53)], [none])).toEqual([true, true]);
  });

  test('a flow of a frontend that two Services share stays if either serves it', () => {
    const other = { frontends: ['198.51.100.7:53'], backends: new Set(['10.244.3.3:53']) };
    const flows = [flow('198.51.100.7', 53, '10.244.3.3', 53), flow('198.51.100.7', 53, '10.244.1.2', 5353)];
    expect(stale(flows, [dns, other])).toEqual([false, false]);
    expect(stale(flows, [other])).toEqual([false, true]);
  });
});

test('[SP-111] TCP and SCTP flows stay whatever they look like', () => {
  for (const protocol of ['TCP', 'SCTP'] as const satisfies Protocol[]) {
    expect(stale([flow(serviceIp, 53, '10.244.9.9', 1, { protocol })], [dns])).toEqual([false]);
    expect(stale([flow(serviceIp, 53, '10.244.9.9', 1, { protocol })], [])).toEqual([false]);
  }
});

test('what is not examined stays', () => {
  const flows = [
    flow(serviceIp, 54, '10.244.9.9', 1),
    flow('10.96.0.11', 53, '10.244.9.9', 1),
    flow(serviceIp, 53, '10.244.9.9', 1),
  ];
  expect(stale(flows, [dns], ['10.96.0.99:53'])).toEqual([false, false, false]);
  expect(stale(flows, [dns])).toEqual([false, false, true]);
});

describe('node ports are matched exactly', () => {
  test('a flow to the same port of another host, or of an address without node ports, stays', () => {
    const flows = [flow('203.0.113.99', 30053, '203.0.113.99', 30053), flow('192.0.2.12', 30053, '10.244.9.9', 1)];
    expect(stale(flows, [dns])).toEqual([false, false]);
  });

  test('a Service address that happens to be the node’s own wins over the node port', () => {
    const shared: UdpPort = { frontends: [`${nodeIp}:30053`], backends: new Set(['10.244.7.7:53']) };
    const flows = [flow(nodeIp, 30053, '10.244.7.7', 53), flow(nodeIp, 30053, '10.244.1.2', 5353)];
    expect(stale(flows, [dns, shared], [...dns.frontends, ...shared.frontends])).toEqual([false, true]);
    expect(stale(flows, [dns, shared], dns.frontends)).toEqual([false, false]);
    expect(stale(flows, [dns], [`${nodeIp}:30053`])).toEqual([true, false]);
  });
});

test('a frontend that was given up loses its translated flows and keeps those that go where new ones go', () => {
  const flows = [
    flow('198.51.100.7', 53, '10.244.1.2', 5353),
    flow('198.51.100.7', 53, '198.51.100.7', 53),
    flow(nodeIp, 30053, '10.244.1.2', 5353),
    flow(nodeIp, 30053, nodeIp, 30053),
  ];
  expect(stale(flows, [])).toEqual([true, false, true, false]);
});

/** Specification 6.1 read sentence by sentence, with no index. */
function isStaleByTheBook(one: ConntrackFlow, ports: readonly UdpPort[], examined: ReadonlySet<string>): boolean {
  if (one.protocol !== 'UDP') return false;
  const direct = formatEndpoint(one.destination, one.destinationPort);
  const byNodePort = one.destination === nodeIp ? `*:${one.destinationPort}` : null;
  const serving = (key: string): UdpPort[] => ports.filter((port) => port.frontends.includes(key));
  const answered = (owners: UdpPort[]): boolean =>
    owners.some((owner) =>
      [...owner.backends].some((backend) => backend === formatEndpoint(one.replySource, one.replySourcePort)),
    );
  if (serving(direct).length > 0) return examined.has(direct) && !answered(serving(direct));
  if (!examined.has(direct) && (byNodePort === null || !examined.has(byNodePort))) return false;
  if (byNodePort !== null && serving(byNodePort).length > 0) return !answered(serving(byNodePort));
  return direct !== formatEndpoint(one.replySource, one.replySourcePort);
}

test('the plan agrees with a plain reading of the specification', () => {
  const host = fc.constantFrom('10.96.0.10', '10.96.0.11', nodeIp, '203.0.113.99', '10.244.1.2', '10.244.1.3');
  const number = fc.constantFrom(53, 54, 30053);
  const key = fc.tuple(fc.oneof(host, fc.constant('*')), number).map(([one, port]) => `${one}:${port}`);
  const flows = fc.array(
    fc
      .tuple(host, number, host, number, fc.constantFrom<Protocol>('UDP', 'UDP', 'UDP', 'TCP', 'SCTP'))
      .map(([destination, port, replier, replierPort, protocol]) => flow(destination, port, replier, replierPort, { protocol })),
  );
  const port = fc.record({
    frontends: fc.uniqueArray(key, { minLength: 1, maxLength: 3 }),
    backends: fc
      .array(fc.tuple(host, number))
      .map((pairs) => new Set(pairs.map(([one, at]) => formatEndpoint(one as Address, at)))),
  });
  fc.assert(
    fc.property(flows, fc.array(port, { maxLength: 4 }), fc.array(key), (all, ports, examined) => {
      const expected = all.filter((one) => isStaleByTheBook(one, ports, new Set(examined)));
      expect(plan(all, ports, examined)).toEqual(expected);
    }),
    { numRuns: 1000 },
  );
});

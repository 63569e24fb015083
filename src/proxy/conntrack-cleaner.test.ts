import { describe, expect, test } from 'vitest';
import { emptySnapshot } from '../model/mod.ts';
import type { Address, EndpointRecord, Problem, ServiceRecord } from '../model/mod.ts';
import { createFakeConntrack } from '../netlink/mod.ts';
import type { ConntrackFlow } from '../netlink/mod.ts';
import type { AppliedSync } from './after-sync.ts';
import { createConntrackCleaner } from './conntrack-cleaner.ts';
import type { ConntrackPass } from './conntrack-cleaner.ts';
import { address, endpoint, service, servicePort, slice } from './records.fixture.ts';

const nodeIp = address('192.0.2.11');
const udp = (over: Partial<ServiceRecord> = {}): ServiceRecord =>
  service({
    name: 'dns',
    clusterIps: { IPv4: address('10.96.0.10') },
    ports: [servicePort({ name: 'dns', protocol: 'UDP', port: 53, nodePort: 30053 })],
    ...over,
  });

/** A cluster of one Service as a sync would hand it over. */
function setUp() {
  const port = createFakeConntrack();
  const passes: ConntrackPass[] = [];
  const problems: Problem[] = [];
  let time = 0;
  const cleaner = createConntrackCleaner({
    port,
    pause: () => null,
    now: () => (time += 5),
    report: (problem) => problems.push(problem),
    passed: (pass) => passes.push(pass),
  });
  const applied = (
    subject: ServiceRecord | null,
    endpoints: readonly EndpointRecord[],
    over: Partial<AppliedSync> = {},
  ): AppliedSync => ({
    family: 'IPv4',
    services: new Set(['shop/dns']),
    snapshot: {
      ...emptySnapshot,
      services: new Map(subject === null ? [] : [['shop/dns', subject]]),
      slices: new Map([
        ['shop/dns', [slice(endpoints, { service: 'shop/dns', ports: [{ name: 'dns', protocol: 'UDP', port: 5353 }] })]],
      ]),
    },
    complete: false,
    settings: {
      podTraffic: { kind: 'none' },
      nodePorts: { kind: 'all-local', loopback: true },
      masqueradeBit: 14,
      nodeAddress: null,
    },
    localAddresses: [nodeIp, address('127.0.0.1')],
    ...over,
  });
  const sync = async (
    subject: ServiceRecord | null,
    texts: readonly string[],
    over: Partial<AppliedSync> = {},
  ): Promise<void> => {
    await cleaner.afterSync(
      applied(
        subject,
        texts.map((text) => endpoint(text)),
        over,
      ),
    );
    await cleaner.idle();
  };
  const add = (destination: string, number: number, replier: string, over: Partial<ConntrackFlow> = {}): void => {
    port.add({
      family: 'IPv4',
      protocol: 'UDP',
      source: address('10.244.1.9'),
      sourcePort: 4000 + port.flows().length,
      destination: address(destination),
      destinationPort: number,
      replySource: address(replier),
      replySourcePort: replier === destination ? number : 5353,
      zone: 0,
      originalZone: 0,
      ...over,
    });
  };
  const repliers = (): Address[] => port.flows().map(({ replySource }) => replySource);
  return { port, passes, problems, cleaner, applied, sync, add, repliers };
}

const first = '10.244.1.1';
const second = '10.244.1.2';

describe('what triggers a pass', () => {
  test('[SP-107] a back end that went takes its flows along', async () => {
    const { sync, add, repliers, passes } = setUp();
    await sync(udp(), [first, second], { complete: true });
    add('10.96.0.10', 53, first);
    add('10.96.0.10', 53, second);
    await sync(udp(), [second]);
    expect(repliers()).toEqual([second]);
    expect(passes.map(({ deleted, durationMs }) => [deleted, durationMs])).toEqual([
      [0, 5],
      [1, 5],
    ]);
  });

  test('[SP-110] after a start the table is looked at once; flows to valid back ends stay, stale ones go', async () => {
    const { sync, add, repliers, port } = setUp();
    add('10.96.0.10', 53, first);
    add('10.96.0.10', 53, '10.244.1.7');
    await sync(udp(), [first], { complete: true });
    expect([repliers(), port.dumps]).toEqual([[first], 1]);
    await sync(udp(), [first, second]);
    expect(repliers()).toEqual([first]);
  });

  test('[SP-112] [SP-111] a sync that left every UDP port as it was reads no table', async () => {
    const { sync, port } = setUp();
    await sync(udp(), [first], { complete: true });
    await sync(udp({ affinity: { timeoutSeconds: 5 }, internalLocal: true }), [first]);
    await sync(service({ name: 'dns' }), [first], { services: new Set(['shop/other']) });
    await sync(udp(), [first], { services: new Set() });
    expect(port.dumps).toBe(1);
    const tcp = setUp();
    await tcp.sync(service({ name: 'dns' }), [first], { complete: true });
    await tcp.sync(service({ name: 'dns' }), [second]);
    expect(tcp.port.dumps).toBe(0);
  });

  test('a Service that dropped to zero serving endpoints loses all its flows', async () => {
    const { sync, add, repliers } = setUp();
    await sync(udp(), [first], { complete: true });
    add('10.96.0.10', 53, first);
    add('192.0.2.11', 30053, first);
    await sync(udp(), []);
    expect(repliers()).toEqual([]);
  });

  test('a terminating endpoint that still serves keeps its flows', async () => {
    const { sync, add, repliers, cleaner, applied } = setUp();
    await sync(udp(), [first], { complete: true });
    add('10.96.0.10', 53, first);
    await cleaner.afterSync(applied(udp(), [endpoint(first, { ready: false, terminating: true }), endpoint(second)]));
    await cleaner.idle();
    expect(repliers()).toEqual([first]);
  });

  test.each([
    ['deleted', null],
    ['now headless', udp({ headless: true, clusterIps: {} })],
    ['without its port', udp({ ports: [servicePort()] })],
    ['at another address', udp({ clusterIps: { IPv4: address('10.96.0.77') } })],
  ])('a change of the Service alone is enough: %s', async (_, changed) => {
    const { sync, add, repliers } = setUp();
    await sync(udp(), [first], { complete: true });
    add('10.96.0.10', 53, first);
    await sync(changed, [first]);
    expect(repliers()).toEqual([]);
  });

  test('a Service that a complete sync no longer finds counts as deleted', async () => {
    const { sync, add, repliers } = setUp();
    await sync(udp(), [first], { complete: true });
    add('10.96.0.10', 53, first);
    await sync(null, [], { services: new Set(), complete: true });
    expect(repliers()).toEqual([]);
  });

  test('a Service that the kernel refused is judged by what the kernel has', async () => {
    const { sync, add, repliers } = setUp();
    await sync(udp(), [first], { complete: true });
    add('10.96.0.10', 53, first);
    await sync(udp(), [second], { services: new Set(), complete: true });
    expect(repliers()).toEqual([first]);
  });
});

test('node-port flows count on addresses that accept node ports only, the loopback network included', async () => {
  const { sync, add, port } = setUp();
  await sync(udp(), [first], { complete: true });
  for (const to of ['192.0.2.11', '127.0.0.9', '203.0.113.99']) add(to, 30053, '10.244.1.8');
  await sync(udp(), [second]);
  expect(port.flows().map(({ destination }) => destination)).toEqual(['203.0.113.99']);
});

test('zones are told apart', async () => {
  const { sync, add, port } = setUp();
  await sync(udp(), [first, second], { complete: true });
  add('10.96.0.10', 53, first, { zone: 3, sourcePort: 1 });
  add('10.96.0.10', 53, second, { sourcePort: 1 });
  await sync(udp(), [second]);
  expect(port.flows().map(({ zone }) => zone)).toEqual([0]);
});

describe('in the background', () => {
  test('a sync does not wait for the dump, and changes meanwhile share the next one', async () => {
    const { cleaner, applied, port, add, repliers } = setUp();
    await cleaner.afterSync(applied(udp(), [endpoint(first)], { complete: true }));
    await cleaner.idle();
    add('10.96.0.10', 53, first);
    const { promise: gate, resolve: release } = Promise.withResolvers<void>();
    port.during = () => gate;
    await cleaner.afterSync(applied(udp(), []));
    expect(port.dumps).toBe(2);
    for (const one of [second, '10.244.1.3', '10.244.1.4']) await cleaner.afterSync(applied(udp(), [endpoint(one)]));
    expect(port.dumps).toBe(2);
    release();
    await cleaner.idle();
    expect([port.dumps, repliers()]).toEqual([3, []]);
  });

  test('a back end that came back while the table was read keeps its flows', async () => {
    const { cleaner, applied, port, add, repliers } = setUp();
    await cleaner.afterSync(applied(udp(), [endpoint(first)], { complete: true }));
    await cleaner.idle();
    add('10.96.0.10', 53, first);
    port.during = async () => {
      port.during = null;
      await cleaner.afterSync(applied(udp(), [endpoint(first)]));
    };
    await cleaner.afterSync(applied(udp(), []));
    await cleaner.idle();
    expect(repliers()).toEqual([first]);
  });

  test('[SP-112] a failure is told, fails no sync and is made up for after the next one, whatever that was about', async () => {
    const { sync, add, port, problems, repliers } = setUp();
    await sync(udp(), [first], { complete: true });
    add('10.96.0.10', 53, first);
    port.problem = { code: 'WP_NETLINK_REFUSED', message: 'no' };
    await sync(udp(), [second]);
    expect(problems.map(({ code }) => code)).toEqual(['WP_NETLINK_REFUSED']);
    expect(repliers()).toEqual([first]);
    port.problem = null;
    await sync(udp(), [second], { services: new Set() });
    expect(repliers()).toEqual([]);
  });

  test('a partial list is used, and the rest is looked for after the next sync', async () => {
    const { sync, add, port, repliers } = setUp();
    await sync(udp(), [first], { complete: true });
    add('10.96.0.10', 53, first);
    port.interrupted = true;
    await sync(udp(), [second]);
    expect([repliers(), port.dumps]).toEqual([[], 2]);
    port.interrupted = false;
    await sync(udp(), [second], { services: new Set() });
    await sync(udp(), [second], { services: new Set() });
    expect(port.dumps).toBe(3);
  });

  test('a bug below does not get out', async () => {
    const { sync, port, problems } = setUp();
    port.during = () => {
      throw new Error('boom');
    };
    await sync(udp(), [first], { complete: true });
    expect(problems.map(({ code }) => code)).toEqual(['WP_PROXY_CONNTRACK_BUG']);
  });

  test('families are cleaned apart', async () => {
    const { sync, add, port } = setUp();
    const dual = udp({ clusterIps: { IPv4: address('10.96.0.10'), IPv6: address('fd00::a') } });
    await sync(dual, [first], { complete: true });
    await sync(dual, [first], { complete: true, family: 'IPv6' });
    add('fd00::a', 53, 'fd00::b', { family: 'IPv6', source: address('fd00::1') });
    add('10.96.0.10', 53, first);
    await sync(null, [], { family: 'IPv6' });
    expect(port.flows().map(({ family }) => family)).toEqual(['IPv4']);
  });
});

import { describe, expect, test } from 'vitest';
import { emptySnapshot, fail, succeed } from '../model/mod.ts';
import type { Family, NodePortAddresses, ServiceRecord, SliceRecord } from '../model/mod.ts';
import { HealthCheckPorts } from './health-check-ports.ts';
import type { HealthCheckTarget } from './health-check-ports.ts';
import { address, endpoint, service, slice } from './records.fixture.ts';

const everywhere: NodePortAddresses = { kind: 'all-local', loopback: true };

/** Listeners that are only written down. Ports in `busy` cannot be bound. */
function setUp() {
  const open = new Map<string, HealthCheckTarget>();
  const log: string[] = [];
  const warnings: string[] = [];
  const busy = new Set<number>();
  const ports = new HealthCheckPorts({
    nodeName: 'node-1',
    open: async (target) => {
      const place = `${target.family} ${target.hosts.join(',')} ${target.port}`;
      if (busy.has(target.port) || open.has(place)) return fail('WP_TEST_BUSY', `${place} is taken`);
      open.set(place, target);
      log.push(`open ${place} ${target.namespace}/${target.name}`);
      return succeed({
        close: async () => {
          open.delete(place);
          log.push(`close ${place}`);
        },
      });
    },
    warn: (owner, reason, { message }) => warnings.push(`${owner.key} ${reason} ${message}`),
  });
  const services = new Map<string, ServiceRecord>();
  const slices = new Map<string, readonly SliceRecord[]>();
  const sync = async (
    keys: readonly string[],
    { family = 'IPv4' as Family, nodePorts = everywhere, complete = false } = {},
  ): Promise<void> =>
    ports.afterSync({
      family,
      services: new Set(keys),
      snapshot: { ...emptySnapshot, services, slices },
      complete,
      settings: { podTraffic: { kind: 'none' }, nodePorts, masqueradeBit: 14, nodeAddress: null },
      localAddresses: [],
    });
  const counts = (): Record<string, number> =>
    Object.fromEntries([...open].map(([place, target]) => [place, target.localEndpoints()]));
  return { ports, open, log, warnings, busy, services, slices, sync, counts };
}

const checked = (over: Partial<ServiceRecord> = {}): ServiceRecord =>
  service({ type: 'LoadBalancer', externalLocal: true, healthCheckNodePort: 32000, ...over });
const localSlices = (...addresses: string[]): readonly SliceRecord[] => [
  slice(addresses.map((one) => endpoint(one, { nodeName: 'node-1' }))),
];

describe('[SP-123] a port is open', () => {
  test.each([
    ['for a LoadBalancer Service with external policy Local', {}, ['open IPv4 0.0.0.0 32000 shop/web']],
    ['not for another type', { type: 'NodePort' }, []],
    ['not with policy Cluster', { externalLocal: false }, []],
    ['not without a port', { healthCheckNodePort: 0 }, []],
    ['not in a family that the Service does not have', { clusterIps: { IPv6: address('fd00::a') } }, []],
    ['not for a headless Service', { headless: true }, []],
  ] as const)('%s', async (_, over, expected) => {
    const { services, sync, log } = setUp();
    services.set('shop/web', checked(over));
    await sync(['shop/web']);
    expect(log).toEqual(expected);
  });

  test('once for each family of the Service', async () => {
    const { services, sync, counts, slices } = setUp();
    services.set('shop/web', checked({ clusterIps: { IPv4: address('10.96.0.10'), IPv6: address('fd00::a') } }));
    slices.set('shop/web', localSlices('10.244.1.1'));
    await sync(['shop/web']);
    await sync(['shop/web'], { family: 'IPv6' });
    expect(counts()).toEqual({ 'IPv4 0.0.0.0 32000': 1, 'IPv6 :: 32000': 0 });
  });

  test('until the Service is deleted or no longer asks for it', async () => {
    const { services, sync, log } = setUp();
    services.set('shop/web', checked());
    services.set('shop/gone', checked({ name: 'gone', healthCheckNodePort: 32001 }));
    await sync(['shop/web', 'shop/gone']);
    services.set('shop/web', checked({ type: 'ClusterIP' }));
    services.delete('shop/gone');
    await sync(['shop/web', 'shop/gone']);
    expect(log.slice(2)).toEqual(['close IPv4 0.0.0.0 32000', 'close IPv4 0.0.0.0 32001']);
  });
});

test('[SP-124] counts follow a sync and nothing else, on the same listener', async () => {
  const { services, slices, sync, counts, log } = setUp();
  services.set('shop/web', checked());
  slices.set('shop/web', localSlices('10.244.1.1', '10.244.1.2'));
  await sync(['shop/web']);
  expect(counts()).toEqual({ 'IPv4 0.0.0.0 32000': 2 });
  slices.set('shop/web', []);
  await sync(['shop/other']);
  expect(counts()).toEqual({ 'IPv4 0.0.0.0 32000': 2 });
  await sync(['shop/web']);
  expect(counts()).toEqual({ 'IPv4 0.0.0.0 32000': 0 });
  expect(log).toHaveLength(1);
});

test('a changed port closes and opens within one sync, also where two Services exchange theirs', async () => {
  const { services, slices, sync, counts, warnings } = setUp();
  services.set('shop/web', checked());
  services.set('shop/api', checked({ name: 'api', healthCheckNodePort: 32001 }));
  slices.set('shop/web', localSlices('10.244.1.1'));
  await sync(['shop/web', 'shop/api']);
  services.set('shop/web', checked({ healthCheckNodePort: 32001 }));
  services.set('shop/api', checked({ name: 'api', healthCheckNodePort: 32000 }));
  await sync(['shop/web', 'shop/api']);
  expect(counts()).toEqual({ 'IPv4 0.0.0.0 32001': 1, 'IPv4 0.0.0.0 32000': 0 });
  expect(warnings).toEqual([]);
});

test('[SP-129] a busy port is a warning on the Service and is tried again at the next sync of anything', async () => {
  const { ports, services, slices, sync, counts, warnings, busy } = setUp();
  services.set('shop/web', checked());
  services.set('shop/api', checked({ name: 'api', healthCheckNodePort: 32001 }));
  slices.set('shop/web', localSlices('10.244.1.1'));
  busy.add(32000);
  await sync(['shop/web', 'shop/api']);
  await sync([]);
  const warning = 'shop/web FailedToStartServiceHealthcheck IPv4 0.0.0.0 32000 is taken';
  expect(warnings).toEqual([warning, warning]);
  expect(counts()).toEqual({ 'IPv4 0.0.0.0 32001': 0 });
  expect(ports.rows()).toEqual([
    { service: 'shop/web', family: 'IPv4', port: 32000, listening: false, localEndpoints: 1 },
    { service: 'shop/api', family: 'IPv4', port: 32001, listening: true, localEndpoints: 0 },
  ]);
  busy.clear();
  await sync([]);
  expect(counts()).toEqual({ 'IPv4 0.0.0.0 32001': 0, 'IPv4 0.0.0.0 32000': 1 });
});

test('[SP-128] it follows the addresses that accept node ports', async () => {
  const { services, sync, log } = setUp();
  services.set('shop/web', checked());
  await sync(['shop/web'], { nodePorts: { kind: 'listed', addresses: [address('192.0.2.11')] } });
  await sync([], { nodePorts: { kind: 'listed', addresses: [address('192.0.2.11'), address('192.0.2.12')] } });
  await sync([], { nodePorts: everywhere });
  expect(log).toEqual([
    'open IPv4 192.0.2.11 32000 shop/web',
    'close IPv4 192.0.2.11 32000',
    'open IPv4 192.0.2.11,192.0.2.12 32000 shop/web',
    'close IPv4 192.0.2.11,192.0.2.12 32000',
    'open IPv4 0.0.0.0 32000 shop/web',
  ]);
});

test('close ends all listening and a sync afterwards opens nothing', async () => {
  const { ports, services, sync, open } = setUp();
  services.set('shop/web', checked());
  await sync(['shop/web']);
  await ports.close();
  await sync(['shop/web']);
  expect(open.size).toBe(0);
});

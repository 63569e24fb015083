import { describe, expect, test } from 'vitest';
import type { ServerConnections, ServerStatistics } from '../model/mod.ts';
import { FakeClock } from './fake-clock.fixture.ts';
import { Registry } from './metrics.ts';
import { addServerMetrics } from './server-metrics.ts';
import type { ServerMetricsOptions } from './server-metrics.ts';

const ipv4: ServerStatistics = {
  servers: { own: 10, foreign: 2 },
  destinations: 30,
  draining: 1,
  oldestDrainSeconds: 12.5,
  resyncChanges: 3,
  errors: new Map([['WP_IPVS_REFUSED', 2]]),
};
const ipv6: ServerStatistics = {
  ...ipv4,
  servers: { own: 1, foreign: 0 },
  oldestDrainSeconds: 40,
  errors: new Map([
    ['WP_IPVS_REFUSED', 1],
    ['WP_IPVS_EXISTS', 4],
  ]),
};

const counts = { weight: 1, inactive: 2, persistent: 0, draining: false };
const servers: readonly ServerConnections[] = [
  {
    server: 'TCP 10.96.0.1:80',
    service: 'shop/web',
    destinations: [
      { ...counts, endpoint: '10.244.1.1:80', active: 5 },
      { ...counts, endpoint: '10.244.1.2:80', active: 1 },
    ],
  },
  { server: 'FWM 1459617808 IPv4', service: 'shop/web', destinations: [{ ...counts, endpoint: '10.244.1.1:80', active: 7 }] },
  { server: 'FWM 9 IPv4', service: null, destinations: [{ ...counts, endpoint: '192.0.2.1:0', active: 100 }] },
];

function setUp(over: Partial<ServerMetricsOptions> = {}): { registry: Registry; clock: FakeClock } {
  const registry = new Registry();
  const clock = new FakeClock(1000);
  const options = { statistics: () => [ipv4, ipv6], connections: async () => servers, detail: 'service', clock } as const;
  addServerMetrics(registry, { ...options, ...over });
  return { registry, clock };
}

function samples(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('[IPVS-64] metrics of virtual servers', () => {
  test('sum the families, and take the oldest drain', async () => {
    const { registry } = setUp({ detail: 'off' });
    expect(samples(await registry.gather())).toEqual([
      'waypost_ipvs_virtual_servers{owner="own"} 11',
      'waypost_ipvs_virtual_servers{owner="foreign"} 2',
      'waypost_ipvs_destinations 60',
      'waypost_ipvs_draining_destinations 2',
      'waypost_ipvs_oldest_drain_seconds 40',
      'waypost_ipvs_resync_changes 6',
      'waypost_ipvs_errors_total{code="WP_IPVS_REFUSED"} 3',
      'waypost_ipvs_errors_total{code="WP_IPVS_EXISTS"} 4',
    ]);
  });

  test('count errors on, and never back', () => {
    let refused = 1;
    const { registry } = setUp({
      statistics: () => [{ ...ipv4, errors: new Map([['WP_IPVS_REFUSED', refused]]) }],
      detail: 'off',
    });
    const count = (): string | undefined => samples(registry.render()).find((line) => line.includes('errors_total'));
    expect(count()).toMatch(/ 1$/);
    refused = 5;
    expect([count(), count()]).toEqual(Array(2).fill('waypost_ipvs_errors_total{code="WP_IPVS_REFUSED"} 5'));
    refused = 0;
    expect(count()).toMatch(/ 5$/);
  });

  test('count connections by Service, without those of other programs', async () => {
    const { registry } = setUp();
    expect(samples(await registry.gather()).filter((line) => line.includes('_connections'))).toEqual([
      'waypost_ipvs_connections{service="shop/web",endpoint="",state="active"} 13',
      'waypost_ipvs_connections{service="shop/web",endpoint="",state="inactive"} 6',
      'waypost_ipvs_connections{service="shop/web",endpoint="",state="persistent"} 0',
    ]);
  });

  test('count them by endpoint if asked to', async () => {
    const { registry } = setUp({ detail: 'endpoint' });
    const active = samples(await registry.gather()).filter((line) => line.includes('state="active"'));
    expect(active).toEqual([
      'waypost_ipvs_connections{service="shop/web",endpoint="10.244.1.1:80",state="active"} 12',
      'waypost_ipvs_connections{service="shop/web",endpoint="10.244.1.2:80",state="active"} 1',
    ]);
  });

  test('ask the kernel at most every ten seconds, and forget what is gone', async () => {
    let asked = 0;
    let all = servers;
    const { registry, clock } = setUp({
      connections: async () => {
        asked += 1;
        return all;
      },
    });
    await Promise.all([registry.gather(), registry.gather()]);
    clock.advance(9999);
    await registry.gather();
    expect(asked).toBe(1);
    all = [];
    clock.advance(1);
    expect(await registry.gather()).not.toContain('waypost_ipvs_connections{');
    expect(asked).toBe(2);
    expect(clock.waiting).toBe(0);
  });

  test('do not wait for a kernel that is busy', async () => {
    const { promise, resolve } = Promise.withResolvers<readonly ServerConnections[]>();
    const { registry, clock } = setUp({ connections: async () => await promise });
    const first = registry.gather();
    clock.advance(2000);
    expect(await first).not.toContain('waypost_ipvs_connections{');
    resolve(servers);
    expect(await registry.gather()).toContain('state="active"} 13');
  });
});

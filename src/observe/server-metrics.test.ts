import { describe, expect, test } from 'vitest';
import type { ServerStatistics } from '../model/mod.ts';
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

function setUp(over: Partial<ServerMetricsOptions> = {}): Registry {
  const registry = new Registry();
  const options = {
    statistics: () => [ipv4, ipv6],
    connections: async () => [],
    detail: 'off',
    clock: new FakeClock(1000),
  } as const;
  addServerMetrics(registry, { ...options, ...over });
  return registry;
}

function samples(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('[IPVS-64] metrics of virtual servers', () => {
  test('sum the families, and take the oldest drain', async () => {
    const registry = setUp();
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
    const registry = setUp({
      statistics: () => [{ ...ipv4, errors: new Map([['WP_IPVS_REFUSED', refused]]) }],
    });
    const count = (): string | undefined => samples(registry.render()).find((line) => line.includes('errors_total'));
    expect(count()).toMatch(/ 1$/);
    refused = 5;
    expect([count(), count()]).toEqual(Array(2).fill('waypost_ipvs_errors_total{code="WP_IPVS_REFUSED"} 5'));
    refused = 0;
    expect(count()).toMatch(/ 5$/);
  });
});

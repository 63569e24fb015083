import { describe, expect, test } from 'vitest';
import { unknownTraffic } from '../model/mod.ts';
import type { DestinationConnections, ServerConnections } from '../model/mod.ts';
import { addConnectionMetrics } from './connection-metrics.ts';
import type { ConnectionMetricsOptions } from './connection-metrics.ts';
import { FakeClock } from './fake-clock.fixture.ts';
import { Registry } from './metrics.ts';
import type { FamilyConnections } from './status-report.ts';

/** So many connections are there, and ten times as many were given to it, of ten packets each. */
function destination(endpoint: string, active: number, over: Partial<DestinationConnections> = {}): DestinationConnections {
  const traffic = {
    connections: 10 * active,
    inPackets: 100 * active,
    outPackets: 90 * active,
    inBytes: 6000 * active,
    outBytes: 0,
  };
  return { endpoint, weight: 1, active, inactive: 2, persistent: 0, draining: false, ...traffic, ...over };
}

const cluster: ServerConnections = {
  server: 'TCP 10.96.0.1:80',
  service: 'shop/web',
  destinations: [destination('10.244.1.1:80', 5), destination('10.244.1.2:80', 1)],
};
const servers: readonly ServerConnections[] = [
  cluster,
  { server: 'FWM 1459617808 IPv4', service: 'shop/web', destinations: [destination('10.244.1.1:80', 7)] },
  { server: 'FWM 9 IPv4', service: null, destinations: [destination('192.0.2.1:0', 100)] },
];
const families: readonly FamilyConnections[] = [
  { family: 'IPv4', servers },
  { family: 'IPv6', servers: [] },
];

function setUp(over: Partial<ConnectionMetricsOptions> = {}): { registry: Registry; clock: FakeClock } {
  const registry = new Registry();
  const clock = new FakeClock(1000);
  addConnectionMetrics(registry, { connections: async () => families, detail: 'service', clock, ...over });
  return { registry, clock };
}

function samples(text: string, part: string): readonly string[] {
  return text.split('\n').filter((line) => !line.startsWith('#') && line.includes(part));
}

describe('[IPVS-64] connections of virtual servers', () => {
  test('are counted by Service, without those of other programs', async () => {
    const { registry } = setUp();
    expect(samples(await registry.gather(), '_connections{')).toEqual([
      'waypost_ipvs_connections{service="shop/web",endpoint="",state="active"} 13',
      'waypost_ipvs_connections{service="shop/web",endpoint="",state="inactive"} 6',
      'waypost_ipvs_connections{service="shop/web",endpoint="",state="persistent"} 0',
    ]);
  });

  test('are counted by endpoint if asked to', async () => {
    const { registry } = setUp({ detail: 'endpoint' });
    expect(samples(await registry.gather(), 'state="active"')).toEqual([
      'waypost_ipvs_connections{service="shop/web",endpoint="10.244.1.1:80",state="active"} 12',
      'waypost_ipvs_connections{service="shop/web",endpoint="10.244.1.2:80",state="active"} 1',
    ]);
  });

  test('are asked for at most every ten seconds, and forgotten when they are gone', async () => {
    let asked = 0;
    let all = families;
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
    all = families.map((family) => ({ ...family, servers: [] }));
    clock.advance(1);
    expect(await registry.gather()).not.toContain('service=');
    expect(asked).toBe(2);
    expect(clock.waiting).toBe(0);
  });

  test('do not hold up a scrape while the kernel is busy', async () => {
    const { promise, resolve } = Promise.withResolvers<readonly FamilyConnections[]>();
    const { registry, clock } = setUp({ connections: async () => await promise });
    const first = registry.gather();
    clock.advance(2000);
    expect(await first).not.toContain('waypost_ipvs_connections{');
    resolve(families);
    expect(await registry.gather()).toContain('state="active"} 13');
  });
});

describe('what passed virtual servers', () => {
  /** The totals of one look after the other. */
  async function totals(looks: readonly (readonly FamilyConnections[])[], detail: 'service' | 'endpoint' = 'service') {
    let next = 0;
    const { registry, clock } = setUp({ connections: async () => looks[next] ?? [], detail });
    const texts: string[] = [];
    for (; next < looks.length; next += 1) {
      texts.push(await registry.gather());
      clock.advance(10_000);
    }
    return texts.map((text) =>
      samples(text, '_total{').map((line) => line.replaceAll(/^waypost_ipvs_|service="shop\/web",/g, '')),
    );
  }
  const ipv4 = (...destinations: readonly DestinationConnections[]): FamilyConnections => {
    return { family: 'IPv4', servers: [{ ...cluster, destinations }] };
  };
  const newConnections = (texts: readonly (readonly string[])[]): readonly (string | undefined)[] =>
    texts.map((lines) => lines.find((line) => line.startsWith('new_connections'))?.split(' ')[1]);

  test('counts from the first look on', async () => {
    const [first, second] = await totals([[ipv4(destination('a', 5))], [ipv4(destination('a', 6), destination('b', 2))]]);
    expect(first?.map((line) => line.split(' ')[1])).toEqual(['0', '0', '0', '0', '0']);
    expect(second).toEqual([
      'new_connections_total{endpoint=""} 30',
      'packets_total{endpoint="",direction="in"} 300',
      'packets_total{endpoint="",direction="out"} 270',
      'bytes_total{endpoint="",direction="in"} 18000',
      'bytes_total{endpoint="",direction="out"} 0',
    ]);
  });

  test('goes on where an endpoint leaves and where a family cannot be read, and counts no jump after it', async () => {
    const [one, two] = [destination('a', 5), destination('b', 500)];
    const looks = [[ipv4(one, two)], [ipv4(destination('a', 6))], [], [ipv4(destination('a', 7))], [ipv4(destination('a', 8))]];
    expect(newConnections(await totals(looks))).toEqual(['0', '10', '10', '10', '20']);
  });

  test('is left out where the driver is not told', async () => {
    const untold = ipv4(destination('a', 5, unknownTraffic));
    expect(await totals([[untold], [untold]], 'endpoint')).toEqual([[], []]);
  });
});

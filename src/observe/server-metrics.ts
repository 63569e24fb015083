import type { Clock, DestinationConnections, Problem, ServerConnections, ServerStatistics } from '../model/mod.ts';
import type { Gauge, Registry } from './metrics.ts';

export interface ServerMetricsOptions {
  /** Of each family. */
  readonly statistics: () => readonly ServerStatistics[];
  /** Of all families; what could not be read is left out. */
  readonly connections: () => Promise<readonly ServerConnections[]>;
  /** How finely connections are counted. */
  readonly detail: 'off' | 'service' | 'endpoint';
  readonly clock: Clock;
}

/** Milliseconds for which connection counts are good: several scrapers must not make the kernel count for each. */
const freshness = 10_000;

/** Milliseconds that a scrape waits for the kernel; a large change may hold it up, and older counts are better than none. */
const patience = 2000;

const connectionLabels = ['service', 'endpoint', 'state'] as const;

/** Adds the metrics of virtual servers (specification of IPVS, 13), read at each scrape. */
export function addServerMetrics(registry: Registry, options: ServerMetricsOptions): void {
  addStatistics(registry, options.statistics);
  if (options.detail !== 'off') addConnections(registry, options, options.detail);
}

function addStatistics(registry: Registry, statistics: ServerMetricsOptions['statistics']): void {
  const gauge = (name: string, help: string, labels: readonly string[] = []): Gauge =>
    registry.gauge({ name: `waypost_ipvs_${name}`, help, labels });
  const servers = gauge('virtual_servers', 'Virtual servers in the kernel, by whose they are.', ['owner']);
  const destinations = gauge('destinations', 'Destinations of our virtual servers.');
  const draining = gauge('draining_destinations', 'Destinations that left and serve the connections they have.');
  const oldest = gauge('oldest_drain_seconds', 'Age of the oldest drain under way.');
  const changes = gauge('resync_changes', 'Kernel objects that the last complete comparison changed.');
  const errors = registry.counter({
    name: 'waypost_ipvs_errors_total',
    help: 'Operations on virtual servers that the kernel refused.',
    labels: ['code'],
  });
  const counted = new Map<Problem['code'], number>();
  registry.collect(() => {
    const all = statistics();
    const sum = (pick: (one: ServerStatistics) => number): number => all.reduce((total, one) => total + pick(one), 0);
    servers.set(
      ['own'],
      sum((one) => one.servers.own),
    );
    servers.set(
      ['foreign'],
      sum((one) => one.servers.foreign),
    );
    destinations.set(
      [],
      sum((one) => one.destinations),
    );
    draining.set(
      [],
      sum((one) => one.draining),
    );
    oldest.set([], Math.max(0, ...all.map((one) => one.oldestDrainSeconds)));
    changes.set(
      [],
      sum((one) => one.resyncChanges),
    );
    for (const code of new Set(all.flatMap((one) => [...one.errors.keys()]))) {
      const total = sum((one) => one.errors.get(code) ?? 0);
      errors.add([code], Math.max(0, total - (counted.get(code) ?? 0)));
      counted.set(code, total);
    }
  });
}

function addConnections(registry: Registry, { connections, clock }: ServerMetricsOptions, detail: 'service' | 'endpoint'): void {
  const gauge = registry.gauge({
    name: 'waypost_ipvs_connections',
    help: 'Connections that the kernel counts, of our virtual servers.',
    labels: connectionLabels,
  });
  let readAt: number | null = null;
  let reading: Promise<void> | null = null;
  const read = async (): Promise<void> => {
    try {
      const servers = await connections();
      gauge.clear();
      for (const { service, destinations } of servers) {
        if (service === null) continue;
        for (const destination of destinations) countConnections(gauge, service, destination, detail);
      }
      readAt = clock.now();
    } finally {
      reading = null;
    }
  };
  registry.collectSlowly(async () => {
    if (readAt !== null && clock.now() - readAt < freshness) return;
    reading ??= read();
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = clock.after(patience, resolve);
    await Promise.race([reading, late]);
    cancel();
  });
}

function countConnections(
  gauge: Gauge,
  service: string,
  { endpoint, active, inactive, persistent }: DestinationConnections,
  detail: 'service' | 'endpoint',
): void {
  const place = detail === 'endpoint' ? endpoint : '';
  gauge.add([service, place, 'active'], active);
  gauge.add([service, place, 'inactive'], inactive);
  gauge.add([service, place, 'persistent'], persistent);
}

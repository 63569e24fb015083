import type { Clock, Problem, ServerStatistics } from '../model/mod.ts';
import { addConnectionMetrics } from './connection-metrics.ts';
import type { Gauge, Registry } from './metrics.ts';
import type { FamilyConnections } from './status-report.ts';

export interface ServerMetricsOptions {
  /** Of each family. */
  readonly statistics: () => readonly ServerStatistics[];
  /** Of the families that could be read. */
  readonly connections: () => Promise<readonly FamilyConnections[]>;
  /** How finely connections are counted. */
  readonly detail: 'off' | 'service' | 'endpoint';
  readonly clock: Clock;
}

/** Adds the metrics of virtual servers (specification of IPVS, 13), read at each scrape. */
export function addServerMetrics(registry: Registry, options: ServerMetricsOptions): void {
  addStatistics(registry, options.statistics);
  const { connections, detail, clock } = options;
  if (detail !== 'off') addConnectionMetrics(registry, { connections, detail, clock });
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

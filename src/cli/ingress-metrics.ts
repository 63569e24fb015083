import { capacityOf } from '../model/mod.ts';
import type { MarkSpace, PublishReason } from '../model/mod.ts';
import type { HealthCounts, HealthRow, PoolUsage } from '../ingress/mod.ts';
import type { CountedCounter, Counter, Gauge, Registry } from '../observe/mod.ts';
import type { PublicationRow } from './ingress-book.ts';

export interface IngressMetricsOptions {
  readonly publications: () => readonly PublicationRow[];
  /** Null: this agent checks no back ends. */
  readonly health: { counts(): HealthCounts; rows(): readonly HealthRow[] } | null;
  /** Null: this agent gives no addresses. */
  readonly pools: { readonly isLeading: boolean; usage(): readonly PoolUsage[] } | null;
  readonly marks: MarkSpace;
}

/** Adds the metrics of ingress (specification of ingress, 10), read at each scrape. Takes the notices of the publisher. */
export function addIngressMetrics(registry: Registry, options: IngressMetricsOptions): (reason: PublishReason) => void {
  addPublications(registry, options);
  if (options.health !== null) addHealth(registry, options.health);
  if (options.pools !== null) addPools(registry, options.pools);
  const notices: Counter = registry.counter({
    name: 'waypost_ingress_notices_total',
    help: 'What owners of Services were told about their publication, by reason.',
    labels: ['reason'],
  });
  return (reason) => notices.add([reason]);
}

function gaugeOf(registry: Registry, name: string, help: string, labels: readonly string[] = []): Gauge {
  return registry.gauge({ name: `waypost_ingress_${name}`, help, labels });
}

function addPublications(registry: Registry, { publications, marks }: IngressMetricsOptions): void {
  const ports = gaugeOf(registry, 'published_ports', 'Published ports and ranges, by what becomes of a packet from outside.', [
    'family',
    'verdict',
  ]);
  const used = gaugeOf(registry, 'marks_used', 'Packet marks that publications have.');
  const capacity = gaugeOf(registry, 'marks_capacity', 'Packet marks that there are.');
  registry.collect(() => {
    const rows = publications();
    ports.clear();
    for (const { family, verdict } of rows) ports.add([family, verdict], 1);
    // The families of a Service share its mark.
    used.set([], new Set(rows.flatMap(({ group }) => (group === null ? [] : [group]))).size);
    capacity.set([], capacityOf(marks));
  });
}

function addHealth(registry: Registry, health: NonNullable<IngressMetricsOptions['health']>): void {
  const total = (name: string, help: string): CountedCounter =>
    registry.countedCounter({ name: `waypost_ingress_health_${name}_total`, help });
  const counters = [
    [total('checks', 'Checks of back ends that came to an end.'), 'checks'],
    [total('failures', 'Checks that failed.'), 'failures'],
    [total('unasked', 'Checks that this node could not make.'), 'unasked'],
    [total('late', 'Checks that began late because too many were under way.'), 'late'],
    [total('taken', 'Back ends that were taken out.'), 'taken'],
    [total('returned', 'Back ends that came back.'), 'returned'],
  ] as const;
  const backends = gaugeOf(registry, 'health_backends', 'Back ends that are checked, by what is thought of them.', ['verdict']);
  registry.collect(() => {
    const counts = health.counts();
    for (const [counter, name] of counters) counter.put([], counts[name]);
    backends.clear();
    for (const { verdict } of health.rows()) backends.add([verdict], 1);
  });
}

function addPools(registry: Registry, pools: NonNullable<IngressMetricsOptions['pools']>): void {
  const leader = gaugeOf(registry, 'pool_leader', 'Whether this agent is the one that gives addresses.');
  const addresses = gaugeOf(registry, 'pool_addresses', 'Addresses of pools.', ['pool', 'family', 'state']);
  registry.collect(() => {
    leader.set([], pools.isLeading ? 1 : 0);
    addresses.clear();
    for (const { pool, family, used, free } of pools.usage()) {
      addresses.set([pool, family, 'used'], used);
      addresses.set([pool, family, 'free'], free);
    }
  });
}

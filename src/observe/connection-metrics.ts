import { trafficFields } from '../model/mod.ts';
import type { Clock, DestinationConnections, ServerConnections } from '../model/mod.ts';
import type { CountedCounter, Gauge, Registry } from './metrics.ts';
import type { FamilyConnections } from './status-report.ts';
import { TrafficGrowth } from './traffic-growth.ts';

export interface ConnectionMetricsOptions {
  /** Of the families that could be read. */
  readonly connections: () => Promise<readonly FamilyConnections[]>;
  /** How finely connections are counted. */
  readonly detail: 'service' | 'endpoint';
  readonly clock: Clock;
}

/** Milliseconds for which counts are good: several scrapers must not make the kernel count for each. */
const freshness = 10_000;

/** Milliseconds that a scrape waits for the kernel; a large change may hold it up, and older counts are better than none. */
const patience = 2000;

const states = ['active', 'inactive', 'persistent'] as const;
const width = trafficFields.length;

/** What one series of each metric is about. */
interface Counted {
  readonly service: string;
  /** Empty for all endpoints of the Service. */
  readonly place: string;
  /** In the order of `states`; null: could not be read now. */
  readonly connections: number[] | null;
  /** Since the agent looked first, in the order of `trafficFields`; null: the driver is not told. */
  traffic: number[] | null;
}

/** Adds what the kernel counts of our virtual servers, read at a scrape. */
export function addConnectionMetrics(registry: Registry, { connections, detail, clock }: ConnectionMetricsOptions): void {
  const write = registerMetrics(registry);
  const counts = new Counts(detail);
  let readAt: number | null = null;
  let reading: Promise<void> | null = null;
  const read = async (): Promise<void> => {
    try {
      write(counts.take(await connections()));
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

function registerMetrics(registry: Registry): (counted: Iterable<Counted>) => void {
  const place = ['service', 'endpoint'] as const;
  const gauge: Gauge = registry.gauge({
    name: 'waypost_ipvs_connections',
    help: 'Connections that the kernel counts, of our virtual servers.',
    labels: [...place, 'state'],
  });
  const counter = (name: string, help: string, ...labels: readonly string[]): CountedCounter =>
    registry.countedCounter({ name: `waypost_ipvs_${name}`, help, labels: [...place, ...labels] });
  const begun = counter('new_connections_total', 'Connections that our virtual servers gave to an endpoint.');
  const packets = counter('packets_total', 'Packets of connections through our virtual servers.', 'direction');
  const octets = counter('bytes_total', 'Octets of packets through our virtual servers.', 'direction');
  const totals = [
    [begun, []],
    [packets, ['in']],
    [packets, ['out']],
    [octets, ['in']],
    [octets, ['out']],
  ] as const;
  return (counted) => {
    for (const series of [gauge, begun, packets, octets]) series.clear();
    for (const { service, place: endpoint, connections, traffic } of counted) {
      for (const [index, count] of connections?.entries() ?? []) gauge.set([service, endpoint, states[index] ?? ''], count);
      if (traffic === null) continue;
      for (const [index, [series, labels]] of totals.entries()) series.put([service, endpoint, ...labels], traffic[index] ?? 0);
    }
  };
}

/**
 * Sums by Service or endpoint. Those of what passed only grow: each look adds by how much destinations grew since the one before, for
 * their sum becomes less when one leaves.
 */
class Counts {
  readonly #detail: 'service' | 'endpoint';
  readonly #growth = new TrafficGrowth();
  #counted = new Map<string, Counted>();
  #families = 0;

  constructor(detail: 'service' | 'endpoint') {
    this.#detail = detail;
  }

  take(families: readonly FamilyConnections[]): Iterable<Counted> {
    const earlier = this.#counted;
    this.#counted = new Map();
    this.#growth.begin(families.map(({ family }) => family));
    for (const { family, servers } of families) {
      for (const server of servers) {
        const growth = this.#growth.grow(family, server);
        if (server.service !== null) this.#addServer(server.service, server.destinations, growth, earlier);
      }
    }
    // Where a family could not be read its Services are not gone, and their totals must not begin anew.
    if (families.length < this.#families) {
      for (const [key, { service, place, traffic }] of earlier)
        if (!this.#counted.has(key)) this.#counted.set(key, { service, place, connections: null, traffic });
    }
    this.#families = Math.max(this.#families, families.length);
    return this.#counted.values();
  }

  #addServer(
    service: string,
    destinations: ServerConnections['destinations'],
    growth: Float64Array,
    earlier: ReadonlyMap<string, Counted>,
  ): void {
    for (const [index, destination] of destinations.entries()) {
      const place = this.#detail === 'endpoint' ? destination.endpoint : '';
      const key = `${service} ${place}`;
      const counted = this.#counted.get(key) ?? {
        service,
        place,
        connections: [0, 0, 0],
        traffic: earlier.get(key)?.traffic ?? null,
      };
      this.#counted.set(key, counted);
      addDestination(counted, destination, growth.subarray(index * width, (index + 1) * width));
    }
  }
}

function addDestination(counted: Counted, destination: DestinationConnections, growth: Float64Array): void {
  const connections = counted.connections ?? [];
  for (const [index, state] of states.entries()) connections[index] = (connections[index] ?? 0) + destination[state];
  if (destination.connections === null) return;
  counted.traffic ??= trafficFields.map(() => 0);
  for (const [index, grown] of growth.entries())
    if (!Number.isNaN(grown)) counted.traffic[index] = (counted.traffic[index] ?? 0) + grown;
}

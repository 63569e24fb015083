import { durationBounds, formatRcode, labelsOfResponse, sizeBounds, typeLabels } from '../dns/mod.ts';
import type { CacheCounts, LaneCounts, UpstreamCounts, WorkerCounts } from '../dns/mod.ts';
import type { CountedCounter, CountedHistogram, Gauge, Registry } from '../observe/mod.ts';

/** Labels that all metrics of questions have; there is one view. */
const place = ['server', 'zone', 'view'];
const view = '';

const protocols = ['udp', 'tcp'] as const;
const families = ['1', '2'] as const;

/**
 * Adds what dashboards for CoreDNS read (specification 19), under its names. The threads count; each scrape asks them and
 * adds up what they say.
 */
export function addDnsMetrics(registry: Registry, version: string, count: () => Promise<readonly WorkerCounts[]>): void {
  registry
    .gauge({ name: 'coredns_build_info', help: 'The version of this resolver.', labels: ['version', 'revision', 'goversion'] })
    .set([version, '', ''], 1);
  const tables = [
    addQuestions(registry),
    addAnswers(registry),
    addCaches(registry),
    addUpstreams(registry),
    addHosts(registry),
    addThreads(registry),
  ];
  registry.collectSlowly(async () => {
    const counts = await count();
    for (const fill of tables) fill(counts);
  });
}

type Fill = (counts: readonly WorkerCounts[]) => void;

/** Sums by label values. */
class Sums {
  readonly #sums = new Map<string, { readonly labels: readonly string[]; values: Float64Array }>();

  add(labels: readonly string[], values: ArrayLike<number>): void {
    const key = labels.join('\0');
    const known = this.#sums.get(key);
    if (known === undefined) {
      this.#sums.set(key, { labels, values: Float64Array.from(values) });
      return;
    }
    for (let index = 0; index < known.values.length; index += 1) {
      known.values[index] = (known.values[index] ?? 0) + (values[index] ?? 0);
    }
  }

  putCounters(counter: CountedCounter): void {
    for (const { labels, values } of this.#sums.values()) counter.put(labels, values[0] ?? 0);
  }

  putGauges(gauge: Gauge): void {
    for (const { labels, values } of this.#sums.values()) gauge.set(labels, values[0] ?? 0);
  }

  putHistograms(histogram: CountedHistogram, bounds: readonly number[]): void {
    for (const { labels, values } of this.#sums.values()) {
      histogram.put(labels, [...values.subarray(0, bounds.length + 1)], values[bounds.length + 1] ?? 0);
    }
  }
}

type Lane = { readonly labels: readonly string[]; readonly counts: LaneCounts };

function lanesOf(counts: readonly WorkerCounts[]): readonly Lane[] {
  return counts.flatMap(({ lanes }) =>
    lanes.map(({ server, zone, counts: lane }) => ({ labels: [server, zone, view], counts: lane })),
  );
}

function addQuestions(registry: Registry): Fill {
  const requests = registry.countedCounter({
    name: 'coredns_dns_requests_total',
    help: 'Questions by where they came in, protocol, family (1 IPv4, 2 IPv6) and type.',
    labels: [...place, 'proto', 'family', 'type'],
  });
  const sizes = registry.countedHistogram({
    name: 'coredns_dns_request_size_bytes',
    help: 'Octets of a question.',
    labels: [...place, 'proto'],
    buckets: sizeBounds,
  });
  const dnssec = registry.countedCounter({
    name: 'coredns_dns_do_requests_total',
    help: 'Questions with the DO bit.',
    labels: place,
  });
  return (counts) => {
    const sums = { requests: new Sums(), sizes: new Sums(), dnssec: new Sums() };
    for (const { labels, counts: lane } of lanesOf(counts)) {
      for (const [index, total] of lane.requests.entries()) {
        if (total === 0) continue;
        const kind = Math.floor(index / typeLabels.length);
        const type = typeLabels[index % typeLabels.length] ?? 'other';
        sums.requests.add([...labels, protocols[kind >> 1] ?? '', families[kind & 1] ?? '', type], [total]);
      }
      for (const [index, protocol] of protocols.entries()) sums.sizes.add([...labels, protocol], lane.requestSizes[index] ?? []);
      sums.dnssec.add(labels, lane.dnssecOk);
    }
    sums.requests.putCounters(requests);
    sums.sizes.putHistograms(sizes, sizeBounds);
    sums.dnssec.putCounters(dnssec);
  };
}

function addAnswers(registry: Registry): Fill {
  const responses = registry.countedCounter({
    name: 'coredns_dns_responses_total',
    help: 'Replies by response code and by what gave them.',
    labels: [...place, 'rcode', 'plugin'],
  });
  const durations = registry.countedHistogram({
    name: 'coredns_dns_request_duration_seconds',
    help: 'From a question read to its reply written.',
    labels: place,
    buckets: durationBounds,
  });
  const sizes = registry.countedHistogram({
    name: 'coredns_dns_response_size_bytes',
    help: 'Octets of a reply.',
    labels: [...place, 'proto'],
    buckets: sizeBounds,
  });
  const dropped = registry.countedCounter({
    name: 'waypost_dns_dropped_total',
    help: 'Messages without a reply: no question, or dropped by an access rule.',
    labels: place,
  });
  return (counts) => {
    const sums = { responses: new Sums(), durations: new Sums(), sizes: new Sums(), dropped: new Sums() };
    for (const { labels, counts: lane } of lanesOf(counts)) {
      for (const [index, total] of lane.responses.entries()) {
        if (total === 0) continue;
        const { stage, rcode } = labelsOfResponse(index);
        sums.responses.add([...labels, formatRcode(rcode), stage], [total]);
      }
      sums.durations.add(labels, lane.durations);
      for (const [index, protocol] of protocols.entries()) sums.sizes.add([...labels, protocol], lane.responseSizes[index] ?? []);
      sums.dropped.add(labels, lane.dropped);
    }
    sums.responses.putCounters(responses);
    sums.durations.putHistograms(durations, durationBounds);
    sums.sizes.putHistograms(sizes, sizeBounds);
    sums.dropped.putCounters(dropped);
  };
}

/** What each kind of entry of a cache is called: failures are denials too. */
const cacheKinds = [
  ['success', 'success'],
  ['denial', 'denial'],
  ['servfail', 'denial'],
] as const;

const cacheTotals: readonly (readonly [string, string, (counts: CacheCounts) => number])[] = [
  ['coredns_cache_misses_total', 'Questions that the cache had no answer to.', ({ misses }) => misses],
  [
    'coredns_cache_requests_total',
    'Questions that the cache was asked.',
    ({ misses, hits }) => misses + hits.success + hits.denial + hits.servfail,
  ],
  ['coredns_cache_prefetch_total', 'Answers that were renewed before their end.', ({ prefetches }) => prefetches],
  ['coredns_cache_drops_total', 'Answers that may not be kept.', ({ drops }) => drops],
  ['coredns_cache_served_stale_total', 'Answers that were given beyond their end.', ({ stale }) => stale],
];

function addCaches(registry: Registry): Fill {
  const byType = ['server', 'type', 'zones', 'view'];
  const entries = registry.gauge({ name: 'coredns_cache_entries', help: 'Answers that are kept.', labels: byType });
  const hits = registry.countedCounter({
    name: 'coredns_cache_hits_total',
    help: 'Questions answered from the cache.',
    labels: byType,
  });
  const evictions = registry.countedCounter({
    name: 'coredns_cache_evictions_total',
    help: 'Answers that made room for others.',
    labels: ['server', 'zones', 'view'],
  });
  const totals = cacheTotals.map(([name, help, read]) => ({
    counter: registry.countedCounter({ name, help, labels: ['server', 'zones', 'view'] }),
    read,
  }));
  return (counts) => {
    const sums = { entries: new Sums(), hits: new Sums(), evictions: new Sums(), totals: totals.map(() => new Sums()) };
    for (const { server, zone, counts: cache } of counts.flatMap(({ caches }) => caches)) {
      for (const [kind, label] of cacheKinds) {
        sums.entries.add([server, label, zone, view], [cache.entries[kind]]);
        sums.hits.add([server, label, zone, view], [cache.hits[kind]]);
      }
      sums.evictions.add([server, zone, view], [cache.evictions]);
      for (const [index, { read }] of totals.entries()) sums.totals[index]?.add([server, zone, view], [read(cache)]);
    }
    sums.entries.putGauges(entries);
    sums.hits.putCounters(hits);
    sums.evictions.putCounters(evictions);
    for (const [index, { counter }] of totals.entries()) sums.totals[index]?.putCounters(counter);
  };
}

const proxyName = 'forward';

function addUpstreams(registry: Registry): Fill {
  const durations = registry.countedHistogram({
    name: 'coredns_proxy_request_duration_seconds',
    help: 'Time until an upstream answered.',
    labels: ['proxy_name', 'to', 'rcode'],
    buckets: durationBounds,
  });
  const broken = registry.countedCounter({
    name: 'coredns_forward_healthcheck_broken_total',
    help: 'Times that all upstreams of a rule were down.',
  });
  const rejects = registry.countedCounter({
    name: 'coredns_forward_max_concurrent_rejects_total',
    help: 'Questions beyond max_concurrent.',
  });
  const failures = registry.countedCounter({
    name: 'coredns_proxy_healthcheck_failures_total',
    help: 'Probes that an upstream did not answer.',
    labels: ['proxy_name', 'to'],
  });
  const byProtocol = ['proxy_name', 'to', 'proto'];
  const hits = registry.countedCounter({
    name: 'coredns_proxy_conn_cache_hits_total',
    help: 'Questions sent over an open connection.',
    labels: byProtocol,
  });
  const misses = registry.countedCounter({
    name: 'coredns_proxy_conn_cache_misses_total',
    help: 'Connections opened for a question.',
    labels: byProtocol,
  });
  return (counts) => {
    const upstreams = counts.map((one) => one.upstreams);
    const total = (read: (one: UpstreamCounts) => number): number => upstreams.reduce((sum, one) => sum + read(one), 0);
    const sums = { durations: new Sums(), failures: new Sums(), hits: new Sums(), misses: new Sums() };
    for (const one of upstreams) {
      for (const [to, codes] of one.requests) {
        for (const [code, values] of codes) sums.durations.add([proxyName, to, formatRcode(code)], values);
      }
      for (const [to, value] of one.healthcheckFailures) sums.failures.add([proxyName, to], [value]);
      for (const [key, value] of one.connectionHits) sums.hits.add([proxyName, ...key.split(' ')], [value]);
      for (const [key, value] of one.connectionMisses) sums.misses.add([proxyName, ...key.split(' ')], [value]);
    }
    broken.put(
      [],
      total(({ healthcheckBroken }) => healthcheckBroken),
    );
    rejects.put(
      [],
      total((one) => one.rejects),
    );
    sums.durations.putHistograms(durations, durationBounds);
    sums.failures.putCounters(failures);
    sums.hits.putCounters(hits);
    sums.misses.putCounters(misses);
  };
}

function addHosts(registry: Registry): Fill {
  const entries = registry.gauge({ name: 'coredns_hosts_entries', help: 'Pairs of address and name in hosts tables.' });
  const reloaded = registry.gauge({ name: 'coredns_hosts_reload_timestamp_seconds', help: 'When a hosts file was last read.' });
  return (counts) => {
    const [first] = counts;
    entries.set([], first?.hosts.entries ?? 0);
    reloaded.set([], (first?.hosts.reloadedAt ?? 0) / 1000);
  };
}

function addThreads(registry: Registry): Fill {
  const panics = registry.countedCounter({ name: 'coredns_panics_total', help: 'Questions that met a bug.' });
  const autopaths = registry.countedCounter({
    name: 'coredns_autopath_success_total',
    help: 'Names that were found on the search list of their pod in one step.',
    labels: ['server'],
  });
  const enabled = registry.gauge({
    name: 'coredns_plugin_enabled',
    help: 'Stages of a server block.',
    labels: [...place, 'name'],
  });
  const heap = registry.gauge({ name: 'waypost_dns_heap_bytes', help: 'Heap in use of all DNS threads.' });
  return (counts) => {
    panics.put(
      [],
      counts.reduce((sum, one) => sum + one.panics, 0),
    );
    heap.set(
      [],
      counts.reduce((sum, one) => sum + one.heap, 0),
    );
    const server = counts[0]?.enabled[0]?.server ?? '';
    autopaths.put(
      [server],
      counts.reduce((sum, one) => sum + one.autopaths, 0),
    );
    enabled.clear();
    for (const { server: address, zone, names } of counts[0]?.enabled ?? []) {
      for (const name of names) enabled.set([address, zone, view, name], 1);
    }
  };
}

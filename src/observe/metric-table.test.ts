import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ProxyMode } from '../model/mod.ts';
import { addBuildMetrics } from './build-metrics.ts';
import { FakeClock } from './fake-clock.fixture.ts';
import { readSamplesWithForeignParser, readWithForeignParser } from './foreign-parser.fixture.ts';
import type { ForeignFamily } from './foreign-parser.fixture.ts';
import { createHealthServer } from './health-server.ts';
import { ask } from './http-request.fixture.ts';
import { Registry } from './metrics.ts';
import { addProcessMetrics } from './process-metrics.ts';
import { addRequestMetrics } from './request-metrics.ts';
import { createSyncMetrics } from './sync-metrics.ts';

/** Upper bounds as specification 8.2 gives them, written out by hand. */
const bucketsA = '0.001 0.002 0.004 0.008 0.016 0.032 0.064 0.128 0.256 0.512 1.024 2.048 4.096 8.192 16.384 +Inf';
const bucketsB = [
  '0.25 0.5 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40',
  '41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 65 70 75 80 85 90 95 100 105 110 115',
  '120 150 180 210 240 270 300 +Inf',
].join(' ');
const bucketsClient = '0.005 0.025 0.1 0.25 0.5 1 2 4 8 15 30 60 +Inf';

/** Name, type, labels, modes, and the bounds of a histogram. */
type Row = readonly [string, ForeignFamily['type'], string, string, string?];

const table: readonly Row[] = [
  ['sync_proxy_rules_duration_seconds', 'HISTOGRAM', 'ip_family', 'tvn', bucketsA],
  ['sync_full_proxy_rules_duration_seconds', 'HISTOGRAM', 'ip_family', 'tn', bucketsA],
  ['sync_partial_proxy_rules_duration_seconds', 'HISTOGRAM', 'ip_family', 'tn', bucketsA],
  ['sync_proxy_rules_last_timestamp_seconds', 'GAUGE', 'ip_family', 'tvn'],
  ['sync_proxy_rules_last_queued_timestamp_seconds', 'GAUGE', 'ip_family', 'tvn'],
  ['network_programming_duration_seconds', 'HISTOGRAM', 'ip_family', 'tvn', bucketsB],
  ['sync_proxy_rules_endpoint_changes_pending', 'GAUGE', '', 'tvn'],
  ['sync_proxy_rules_endpoint_changes_total', 'COUNTER', '', 'tvn'],
  ['sync_proxy_rules_service_changes_pending', 'GAUGE', '', 'tvn'],
  ['sync_proxy_rules_service_changes_total', 'COUNTER', '', 'tvn'],
  ['sync_proxy_rules_no_local_endpoints_total', 'GAUGE', 'ip_family traffic_policy', 'tvn'],
  ['sync_proxy_rules_iptables_total', 'GAUGE', 'ip_family table', 't'],
  ['sync_proxy_rules_iptables_last', 'GAUGE', 'ip_family table', 't'],
  ['sync_proxy_rules_iptables_restore_failures_total', 'COUNTER', 'ip_family', 'tv'],
  ['sync_proxy_rules_iptables_partial_restore_failures_total', 'COUNTER', 'ip_family', 't'],
  ['sync_proxy_rules_nftables_sync_failures_total', 'COUNTER', 'ip_family', 'n'],
  ['conntrack_reconciler_sync_duration_seconds', 'HISTOGRAM', 'ip_family', 'tvn', bucketsA],
  ['conntrack_reconciler_deleted_entries_total', 'COUNTER', 'ip_family', 'tvn'],
  ['proxy_healthz_total', 'COUNTER', 'code', 'tvn'],
  ['proxy_livez_total', 'COUNTER', 'code', 'tvn'],
];

const besides: readonly Row[] = [
  ['kubernetes_build_info', 'GAUGE', 'git_version major minor platform', 'tvn'],
  ['kubernetes_feature_enabled', 'GAUGE', 'name stage', 'tvn'],
  ['rest_client_requests_total', 'COUNTER', 'code host method', 'tvn'],
  ['rest_client_request_duration_seconds', 'HISTOGRAM', 'host verb', 'tvn', bucketsClient],
  ['process_cpu_seconds_total', 'COUNTER', '', 'tvn'],
  ['process_resident_memory_bytes', 'GAUGE', '', 'tvn'],
  ['process_start_time_seconds', 'GAUGE', '', 'tvn'],
  ['process_open_fds', 'GAUGE', '', 'tvn'],
  ['process_max_fds', 'GAUGE', '', 'tvn'],
];

const expected: readonly Row[] = [...table.map(([name, ...rest]): Row => [`kubeproxy_${name}`, ...rest]), ...besides];

/** A registry with all metrics; `touch` gives every one of them an observation. */
async function renderAll(mode: ProxyMode, touch: boolean): Promise<string> {
  const registry = new Registry();
  const sync = createSyncMetrics(registry, mode);
  addBuildMetrics(registry, '1.2.3', { ComponentFlagz: true, NativeHistograms: false });
  addProcessMetrics(registry, 1_700_000_000_000);
  const request = addRequestMetrics(registry);
  await using health = createHealthServer({
    host: '127.0.0.1',
    port: 0,
    view: () => ({ families: [], nodeEligible: true, synced: true }),
    patience: () => 60_000,
    registry,
    clock: new FakeClock(0),
    report: () => {},
  });
  if (!touch) return registry.render();
  await health.start();
  for (const path of ['/healthz', '/livez']) await ask('127.0.0.1', health.bound[0]?.port ?? 0, path);
  request({ method: 'GET', host: '192.0.2.1:6443', code: '200', took: 12 });
  const { slicesPending, slicesTotal, servicesPending, servicesTotal, noLocalEndpoints, rulesTotal, rulesLast, ...perFamily } =
    sync;
  for (const gauge of [slicesPending, servicesPending]) gauge.set([], 0);
  for (const counter of [slicesTotal, servicesTotal]) counter.add([]);
  noLocalEndpoints.set(['internal', 'IPv4'], 0);
  for (const gauge of [rulesTotal, rulesLast]) gauge?.set(['nat', 'IPv4'], 1);
  for (const metric of Object.values(perFamily)) {
    if (metric === null) continue;
    if ('observe' in metric) metric.observe(['IPv4'], 0.1);
    else metric.add(['IPv4'], 1);
  }
  return registry.render();
}

describe.each([
  ['iptables', 't'],
  ['ipvs', 'v'],
  ['nftables', 'n'],
] as const)('[SP-131] in %s mode', (mode, letter) => {
  test('every metric of the table is served with its type, labels and buckets, and none of another mode', async () => {
    const text = await renderAll(mode, true);
    const samples = readSamplesWithForeignParser(text);
    const seen = [...readWithForeignParser(text).values()]
      .filter(({ name }) => !name.startsWith('waypost_'))
      .map(({ name, type, metrics }) => {
        const buckets = metrics[0]?.buckets;
        if (buckets === undefined) return [name, type, labelsOf(samples.get(name))];
        const labels = labelsOf(samples.get(`${name}_count`));
        expect(labelsOf(samples.get(`${name}_sum`))).toBe(labels);
        expect(labelsOf(samples.get(`${name}_bucket`))).toBe([...labels.split(' '), 'le'].toSorted().join(' '));
        return [name, type, labels, Object.keys(buckets).toSorted(byBound).join(' ')];
      });
    const wanted = expected
      .filter(([, , , modes]) => modes.includes(letter))
      .map(([name, type, labels, , buckets]) => [name, type, labels, ...(buckets === undefined ? [] : [buckets])]);
    expect(seen.toSorted(byName)).toEqual(wanted.toSorted(byName));
  });

  test('a metric with labels appears with its first observation', async () => {
    const names = [...readWithForeignParser(await renderAll(mode, false)).keys()].filter((name) => name.startsWith('kubeproxy_'));
    expect(names.toSorted()).toEqual([
      'kubeproxy_sync_proxy_rules_endpoint_changes_pending',
      'kubeproxy_sync_proxy_rules_endpoint_changes_total',
      'kubeproxy_sync_proxy_rules_service_changes_pending',
      'kubeproxy_sync_proxy_rules_service_changes_total',
    ]);
  });
});

test('a parser that is not ours reads label values and numbers as they were put in', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'Z', '9', ' ', '"', '\\', '\n', '{', '}', ',', '=', '#', 'é') });
  fc.assert(
    fc.property(fc.uniqueArray(text, { minLength: 1 }), fc.infiniteStream(fc.double({ noNaN: true })), (values, numbers) => {
      const registry = new Registry();
      const gauge = registry.gauge({ name: 'g', help: 'G.', labels: ['a'] });
      const put = values.map((value): [string, number] => [value, numbers.next().value ?? 0]);
      for (const [value, number] of put) gauge.set([value], number);
      const read = readWithForeignParser(registry.render()).get('g')?.metrics ?? [];
      const numberOf = (value = ''): number => Number(value.replace('Inf', 'Infinity'));
      expect(read.map(({ labels, value }) => [labels?.['a'], numberOf(value)])).toEqual(
        put.map(([value, number]) => [value, number + 0]),
      );
    }),
  );
});

function labelsOf(family: ForeignFamily | undefined): string {
  return Object.keys(family?.metrics[0]?.labels ?? {})
    .toSorted()
    .join(' ');
}

function byName(a: readonly (string | undefined)[], b: readonly (string | undefined)[]): number {
  return (a[0] ?? '') < (b[0] ?? '') ? -1 : 1;
}

function byBound(a: string, b: string): number {
  return (a === '+Inf' ? Number.MAX_VALUE : Number(a)) - (b === '+Inf' ? Number.MAX_VALUE : Number(b));
}

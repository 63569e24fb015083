import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { listKnownMetrics, listMetricGroups } from './known-metrics.ts';
import { remarks } from './remarks.ts';
import { ownerOf, renderMetrics } from './render-metrics.ts';

const groups = listMetricGroups();

test('docs/metrics.md is what scripts/metrics.ts writes now', () => {
  const hint = 'run node_modules/node/bin/node scripts/metrics.ts';
  expect([hint, readFileSync('docs/metrics.md', 'utf8')]).toEqual([hint, renderMetrics(groups, remarks)]);
});

test('each metric is in one group, and remarks are on metrics that there are', () => {
  const names = groups.flatMap(({ metrics }) => metrics.map(({ name }) => name));
  expect(names).toEqual([...new Set(names)]);
  expect([...remarks.keys()].filter((name) => !names.includes(name))).toEqual([]);
  expect(listKnownMetrics().size).toBe(names.length);
});

test('whatever in src registers metrics is asked for them', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) =>
    /(?<!\.test|\.fixture)\.ts$/.test(file),
  );
  const texts = files.map((file) => readFileSync(`src/${file}`, 'utf8'));
  // Each file that registers a metric is entered by a function or a class of this name.
  const registering = texts.filter((text) => /\.(?:gauge|counter|histogram|countedCounter|countedHistogram)\(/.test(text));
  const entries = registering.map((text) =>
    [...text.matchAll(/^export (?:function|class) (\w+Metrics)\b/gm)].map(([, name = '']) => name),
  );
  expect(entries.length).toBeGreaterThan(8);
  expect(entries.filter((names) => names.length === 0)).toEqual([]);
  const callers = [readFileSync('scripts/metrics/known-metrics.ts', 'utf8'), ...registering].join('\n');
  const called = (name: string): boolean => new RegExp(`(?<!function |class )\\b${name}\\(`).test(callers);
  expect(entries.flat().filter((name) => !called(name))).toEqual([]);
});

test.each([
  ['kubeproxy_sync_proxy_rules_iptables_total', 'iptables mode'],
  ['kubeproxy_sync_full_proxy_rules_duration_seconds', 'iptables, nftables mode'],
  ['kubeproxy_sync_proxy_rules_duration_seconds', null],
  ['kubeproxy_proxy_livez_total', '`healthzBindAddress`'],
  ['waypost_ipvs_bytes_total', '`connectionMetrics` other than off'],
  ['waypost_ipvs_errors_total', null],
  ['waypost_ingress_health_checks_total', '`ingress.healthChecks.enabled`'],
  ['waypost_ingress_pool_leader', '`ingress.pool`, with an API server'],
  ['waypost_ingress_notices_total', null],
])('%s is there only with: %s', (name, only) => {
  expect(groups.flatMap(({ metrics }) => metrics).find((metric) => metric.name === name)?.only).toBe(only);
});

test('a name of no known program is refused', () => {
  expect(() => ownerOf('other_total')).toThrow('other_total');
  expect([ownerOf('waypost_a'), ownerOf('coredns_a'), ownerOf('process_a')]).toEqual(['Waypost', 'CoreDNS', 'kube-proxy']);
});

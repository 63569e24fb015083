import { describe, expect, test } from 'vitest';
import type { ApplyReport, Problem, ProxyMode } from '../model/mod.ts';
import { Registry, createSyncMetrics } from '../observe/mod.ts';
import type { SyncEvent } from '../proxy/mod.ts';
import { observeConntrack, observeSyncs } from './observe-sync.ts';

const fine: ApplyReport = { problem: null, failed: new Map(), operations: 3, bytes: 120, planMs: 2 };
const problem: Problem = { code: 'WP_TEST_REFUSED', message: 'no' };
const ended = (over: Partial<Extract<SyncEvent, { kind: 'ended' }>> = {}): SyncEvent => ({
  kind: 'ended',
  family: 'IPv4',
  sync: 'full',
  took: 1500,
  problem: null,
  report: fine,
  ...over,
});

/** The lines of metrics that have a sample, after these events. */
function linesAfter(events: readonly SyncEvent[], mode: ProxyMode = 'iptables'): readonly string[] {
  const registry = new Registry();
  const observe = observeSyncs(createSyncMetrics(registry, mode));
  for (const event of events) observe(event);
  return registry.render().split('\n');
}

const rules = 'kubeproxy_sync_proxy_rules';

describe('attempts', () => {
  test('full, partial and all of them, in seconds', () => {
    const lines = linesAfter([ended(), ended({ sync: 'partial', took: 4 })]);
    expect(lines).toContain(`${rules}_duration_seconds_sum{ip_family="IPv4"} 1.504`);
    expect(lines).toContain('kubeproxy_sync_full_proxy_rules_duration_seconds_sum{ip_family="IPv4"} 1.5');
    expect(lines).toContain('kubeproxy_sync_partial_proxy_rules_duration_seconds_sum{ip_family="IPv4"} 0.004');
  });

  test('an audit counts as a full sync where it wrote or failed, and else only as an audit', () => {
    const idle = linesAfter([ended({ sync: 'audit', report: { ...fine, operations: 0 } })]);
    expect(idle).toContain('waypost_audit_duration_seconds_count{ip_family="IPv4"} 1');
    expect(idle.join('\n')).not.toContain(`${rules}_duration_seconds_count`);
    const repaired = linesAfter([ended({ sync: 'audit' })]);
    expect(repaired).toContain('waypost_audit_repairs_total{ip_family="IPv4"} 3');
    expect(repaired).toContain(`${rules}_duration_seconds_count{ip_family="IPv4"} 1`);
  });

  test.each([
    ['iptables', 'full', [`${rules}_iptables_restore_failures_total{ip_family="IPv4"} 1`]],
    [
      'iptables',
      'partial',
      [
        `${rules}_iptables_restore_failures_total{ip_family="IPv4"} 1`,
        `${rules}_iptables_partial_restore_failures_total{ip_family="IPv4"} 1`,
      ],
    ],
    ['ipvs', 'partial', [`${rules}_iptables_restore_failures_total{ip_family="IPv4"} 1`]],
    ['nftables', 'partial', [`${rules}_nftables_sync_failures_total{ip_family="IPv4"} 1`]],
  ] as const)('[SP-133] a failed write in %s mode, %s', (mode, sync, expected) => {
    for (const report of [
      { ...fine, problem },
      { ...fine, failed: new Map([['shop/web', problem]]) },
    ]) {
      const lines = linesAfter([ended({ sync, problem: report.problem, report })], mode);
      expect(lines.filter((line) => line.includes('failures_total{'))).toEqual(expected);
      expect(lines).toContain(`${rules}_duration_seconds_count{ip_family="IPv4"} 1`);
    }
  });

  test('[SP-133] no failure is counted where nothing failed, nor where a bug kept the kernel from being asked', () => {
    const lines = linesAfter([ended(), ended({ problem, report: null })]);
    expect(lines.filter((line) => line.includes('failures_total{'))).toEqual([]);
    expect(lines).toContain(`${rules}_duration_seconds_count{ip_family="IPv4"} 2`);
  });

  test('rules by table, those of the last sync apart', () => {
    const counted = (last: number, operations: number): ApplyReport => ({
      ...fine,
      operations,
      rules: [
        { table: 'filter', total: 20, last },
        { table: 'nat', total: 30, last: 0 },
        { table: 'mangle', total: 1, last: 1 },
      ],
    });
    const lines = linesAfter([ended({ report: counted(5, 1) }), ended({ sync: 'audit', report: counted(0, 0) })]);
    expect(lines.filter((line) => line.startsWith(`${rules}_iptables_`))).toEqual([
      `${rules}_iptables_total{table="filter",ip_family="IPv4"} 20`,
      `${rules}_iptables_total{table="nat",ip_family="IPv4"} 30`,
      `${rules}_iptables_last{table="filter",ip_family="IPv4"} 5`,
      `${rules}_iptables_last{table="nat",ip_family="IPv4"} 0`,
    ]);
  });
});

test('pending changes of both families are one number each', () => {
  const changed = (family: 'IPv4' | 'IPv6', services: number, slices: number): SyncEvent => ({
    kind: 'changed',
    family,
    services,
    slices,
    pending: { services, slices },
  });
  const started = (sync: 'full' | 'audit', pending: { services: number; slices: number }): SyncEvent => ({
    kind: 'started',
    family: 'IPv4',
    sync,
    services: 1,
    pending,
  });
  const both = [changed('IPv4', 2, 3), changed('IPv6', 2, 1)];
  const before = linesAfter(both);
  expect(before).toContain(`${rules}_endpoint_changes_pending 4`);
  expect(before).toContain(`${rules}_service_changes_pending 2`);
  expect(before).toContain(`${rules}_endpoint_changes_total 4`);
  expect(before).toContain(`${rules}_service_changes_total 4`);
  const after = linesAfter([...both, started('full', { services: 0, slices: 0 })]);
  expect(after).toContain(`${rules}_endpoint_changes_pending 1`);
  expect(after).toContain(`${rules}_service_changes_pending 2`);
});

test('[SP-134] [SP-135] latencies, gauges and times', () => {
  const lines = linesAfter([
    { kind: 'queued', family: 'IPv6', at: 1_700_000_000_500 },
    { kind: 'programmed', family: 'IPv6', latencies: [200, 1400] },
    { kind: 'succeeded', family: 'IPv6', at: 1_700_000_001_000, noLocalEndpoints: { internal: 1, external: 2 } },
  ]);
  expect(lines).toContain(`${rules}_last_queued_timestamp_seconds{ip_family="IPv6"} 1700000000.5`);
  expect(lines).toContain(`${rules}_last_timestamp_seconds{ip_family="IPv6"} 1700000001`);
  expect(lines).toContain('kubeproxy_network_programming_duration_seconds_bucket{ip_family="IPv6",le="0.25"} 1');
  expect(lines).toContain('kubeproxy_network_programming_duration_seconds_bucket{ip_family="IPv6",le="2"} 2');
  expect(lines).toContain(`${rules}_no_local_endpoints_total{traffic_policy="internal",ip_family="IPv6"} 1`);
  expect(lines).toContain(`${rules}_no_local_endpoints_total{traffic_policy="external",ip_family="IPv6"} 2`);
});

test('a pass over the connection tracking table', () => {
  const registry = new Registry();
  observeConntrack(createSyncMetrics(registry, 'iptables'))({ family: 'IPv4', deleted: 4, durationMs: 12 });
  const lines = registry.render().split('\n');
  expect(lines).toContain('kubeproxy_conntrack_reconciler_deleted_entries_total{ip_family="IPv4"} 4');
  expect(lines).toContain('kubeproxy_conntrack_reconciler_sync_duration_seconds_sum{ip_family="IPv4"} 0.012');
});

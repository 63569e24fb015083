import type { ProxyMode } from '../model/mod.ts';
import { programmingSeconds, workSeconds } from './metric-buckets.ts';
import type { Counter, Gauge, Histogram, Registry } from './metrics.ts';

/** The metrics of syncing, those of the reference first (specification 8.2). Null: not in this mode. */
export interface SyncMetrics {
  readonly duration: Histogram;
  readonly fullDuration: Histogram | null;
  readonly partialDuration: Histogram | null;
  readonly lastSuccess: Gauge;
  readonly lastQueued: Gauge;
  readonly programming: Histogram;
  readonly slicesPending: Gauge;
  readonly slicesTotal: Counter;
  readonly servicesPending: Gauge;
  readonly servicesTotal: Counter;
  readonly noLocalEndpoints: Gauge;
  readonly rulesTotal: Gauge | null;
  readonly rulesLast: Gauge | null;
  readonly failures: Counter;
  readonly partialFailures: Counter | null;
  readonly conntrackDuration: Histogram;
  readonly conntrackDeleted: Counter;
  readonly auditDuration: Histogram;
  readonly repairs: Counter;
  readonly planning: Histogram;
  readonly operations: Counter;
  readonly refused: Counter;
}

const families = ['ip_family'] as const;

/**
 * Registers what the mode has. Two of the reference's are left out: its nfacct counters, because our rules do
 * without the kernel's nfacct objects. `nftables_cleanup_failures_total` has no series: stale objects go in the
 * same transaction as everything else.
 */
export function createSyncMetrics(registry: Registry, mode: ProxyMode): SyncMetrics {
  return {
    ...registerSyncs(registry, mode),
    ...registerRules(registry, mode),
    ...registerConntrack(registry),
    ...registerOwn(registry),
  };
}

type SyncParts = Pick<
  SyncMetrics,
  | 'duration'
  | 'fullDuration'
  | 'partialDuration'
  | 'lastSuccess'
  | 'lastQueued'
  | 'programming'
  | 'slicesPending'
  | 'slicesTotal'
  | 'servicesPending'
  | 'servicesTotal'
  | 'noLocalEndpoints'
>;

function registerSyncs(registry: Registry, mode: ProxyMode): SyncParts {
  const work = (name: string, help: string): Histogram =>
    registry.histogram({ name: `kubeproxy_sync_${name}`, help, labels: families, buckets: workSeconds });
  const gauge = (name: string, help: string, labels: readonly string[] = []): Gauge =>
    registry.gauge({ name: `kubeproxy_sync_proxy_rules_${name}`, help, labels });
  const counter = (name: string, help: string): Counter => registry.counter({ name: `kubeproxy_sync_proxy_rules_${name}`, help });
  const split = mode !== 'ipvs';
  return {
    duration: work('proxy_rules_duration_seconds', 'Seconds of each sync, failed ones included.'),
    fullDuration: split ? work('full_proxy_rules_duration_seconds', 'Seconds of each sync of all Services.') : null,
    partialDuration: split ? work('partial_proxy_rules_duration_seconds', 'Seconds of each sync of some Services.') : null,
    lastSuccess: gauge('last_timestamp_seconds', 'When the last sync succeeded, in seconds since 1970.', families),
    lastQueued: gauge('last_queued_timestamp_seconds', 'When a sync was last asked for, in seconds since 1970.', families),
    programming: registry.histogram({
      name: 'kubeproxy_network_programming_duration_seconds',
      help: 'Seconds from the change of a pod or Service, as its EndpointSlice tells, to the kernel.',
      labels: families,
      buckets: programmingSeconds,
    }),
    slicesPending: gauge('endpoint_changes_pending', 'Changes of EndpointSlices that no sync has taken in.'),
    slicesTotal: counter('endpoint_changes_total', 'Changes of EndpointSlices.'),
    servicesPending: gauge('service_changes_pending', 'Services with a change that no sync has taken in.'),
    servicesTotal: counter('service_changes_total', 'Changes of Services, counted in each family.'),
    noLocalEndpoints: gauge(
      'no_local_endpoints_total',
      'Service ports with a policy of Local that have endpoints, but none on this node.',
      ['traffic_policy', 'ip_family'],
    ),
  };
}

function registerRules(
  registry: Registry,
  mode: ProxyMode,
): Pick<SyncMetrics, 'rulesTotal' | 'rulesLast' | 'failures' | 'partialFailures'> {
  const counter = (name: string, help: string): Counter =>
    registry.counter({ name: `kubeproxy_sync_proxy_rules_${name}`, help, labels: families });
  const rules = (name: string, help: string): Gauge =>
    registry.gauge({ name: `kubeproxy_sync_proxy_rules_${name}`, help, labels: ['table', 'ip_family'] });
  if (mode === 'nftables') {
    const failures = counter('nftables_sync_failures_total', 'Syncs that the kernel refused, as a whole or for a Service.');
    counter('nftables_cleanup_failures_total', 'Stale objects that could not be removed on their own.');
    return { rulesTotal: null, rulesLast: null, failures, partialFailures: null };
  }
  const failures = counter('iptables_restore_failures_total', 'Syncs that the kernel refused, as a whole or for a Service.');
  if (mode === 'ipvs') return { rulesTotal: null, rulesLast: null, failures, partialFailures: null };
  return {
    rulesTotal: rules('iptables_total', 'Rules in our chains.'),
    rulesLast: rules('iptables_last', 'Rules written by the last sync.'),
    failures,
    partialFailures: counter('iptables_partial_restore_failures_total', 'Syncs of some Services that the kernel refused.'),
  };
}

function registerConntrack(registry: Registry): Pick<SyncMetrics, 'conntrackDuration' | 'conntrackDeleted'> {
  const prefix = 'kubeproxy_conntrack_reconciler';
  return {
    conntrackDuration: registry.histogram({
      name: `${prefix}_sync_duration_seconds`,
      help: 'Seconds of each pass over the connection tracking table.',
      labels: families,
      buckets: workSeconds,
    }),
    conntrackDeleted: registry.counter({
      name: `${prefix}_deleted_entries_total`,
      help: 'Stale entries deleted from the connection tracking table.',
      labels: families,
    }),
  };
}

function registerOwn(registry: Registry): Pick<SyncMetrics, 'auditDuration' | 'repairs' | 'planning' | 'operations' | 'refused'> {
  const work = (name: string, help: string): Histogram =>
    registry.histogram({ name: `waypost_${name}`, help, labels: families, buckets: workSeconds });
  const counter = (name: string, help: string): Counter => registry.counter({ name: `waypost_${name}`, help, labels: families });
  return {
    auditDuration: work('audit_duration_seconds', 'Seconds of each comparison of the kernel with what it should hold.'),
    repairs: counter('audit_repairs_total', 'Kernel objects that an audit found wrong and put right.'),
    planning: work('sync_plan_duration_seconds', 'Seconds of each sync spent deciding, waiting for the kernel not included.'),
    operations: counter('kernel_operations_total', 'Kernel objects written or removed.'),
    refused: counter('refused_services_total', 'Services that the kernel refused, counted at each attempt.'),
  };
}

import type { Family } from '../model/mod.ts';
import type { SyncMetrics } from '../observe/mod.ts';
import type { ConntrackPass, SyncEvent, SyncObserver } from '../proxy/mod.ts';

/** Tables whose rules the reference counts. */
const countedTables: ReadonlySet<string> = new Set(['filter', 'nat']);

/** Turns what the reconcilers tell into metrics (specification 8.2). */
export function observeSyncs(metrics: SyncMetrics): SyncObserver {
  const pending = new Map<Family, { readonly services: number; readonly slices: number }>();
  const showPending = (family: Family, counts: { readonly services: number; readonly slices: number }): void => {
    pending.set(family, counts);
    const all = [...pending.values()];
    // A slice has one family; a Service is pending until its last family has taken it in.
    metrics.slicesPending.set(
      [],
      all.reduce((sum, { slices }) => sum + slices, 0),
    );
    metrics.servicesPending.set([], Math.max(...all.map(({ services }) => services)));
  };
  return (event) => {
    const { family } = event;
    switch (event.kind) {
      case 'changed':
        if (event.slices > 0) metrics.slicesTotal.add([], event.slices);
        if (event.services > 0) metrics.servicesTotal.add([], event.services);
        showPending(family, event.pending);
        return;
      case 'queued':
        metrics.lastQueued.set([family], event.at / 1000);
        return;
      case 'started':
        if (event.sync !== 'audit') showPending(family, event.pending);
        return;
      case 'ended':
        measureAttempt(metrics, event);
        return;
      case 'programmed':
        for (const latency of event.latencies) metrics.programming.observe([family], latency / 1000);
        return;
      case 'succeeded':
        metrics.lastSuccess.set([family], event.at / 1000);
        metrics.noLocalEndpoints.set(['internal', family], event.noLocalEndpoints.internal);
        metrics.noLocalEndpoints.set(['external', family], event.noLocalEndpoints.external);
        return;
      default:
        event satisfies never;
    }
  };
}

/** Counts a pass over the connection tracking table. */
export function observeConntrack(metrics: SyncMetrics): (pass: ConntrackPass) => void {
  return ({ family, deleted, durationMs }) => {
    metrics.conntrackDuration.observe([family], durationMs / 1000);
    metrics.conntrackDeleted.add([family], deleted);
  };
}

type Ended = Extract<SyncEvent, { kind: 'ended' }>;

function measureAttempt(metrics: SyncMetrics, { family, sync, took, problem, report }: Ended): void {
  const seconds = took / 1000;
  if (sync === 'audit') metrics.auditDuration.observe([family], seconds);
  // An audit that finds nothing wrong is no sync; one that writes, or should have, is a full one.
  const written = sync !== 'audit' || problem !== null || (report !== null && report.operations > 0);
  if (written) {
    metrics.duration.observe([family], seconds);
    (sync === 'partial' ? metrics.partialDuration : metrics.fullDuration)?.observe([family], seconds);
  }
  // Without a report nothing was tried: a bug ended the attempt.
  if (report !== null && (problem !== null || report.failed.size > 0)) {
    metrics.failures.add([family]);
    if (sync === 'partial') metrics.partialFailures?.add([family]);
  }
  if (report === null) return;
  metrics.planning.observe([family], report.planMs / 1000);
  metrics.operations.add([family], report.operations);
  metrics.refused.add([family], report.failed.size);
  if (sync === 'audit') metrics.repairs.add([family], report.operations);
  for (const { table, total, last } of report.rules ?? []) {
    if (!countedTables.has(table)) continue;
    metrics.rulesTotal?.set([table, family], total);
    if (written) metrics.rulesLast?.set([table, family], last);
  }
}

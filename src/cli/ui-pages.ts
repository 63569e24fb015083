import type { EffectiveConfig } from '../config/mod.ts';
import type { Clock, Problem } from '../model/mod.ts';
import { makePageRoutes } from '../observe/mod.ts';
import type { ConnectionsReport, LiveFigures, Page, ServiceCounts } from '../observe/mod.ts';
import { readDnsFigures } from './dns-figures.ts';
import { runTraceChild } from './driver-trace-child.ts';
import type { ProxyHandle } from './proxy-handle.ts';
import type { NodeStatus } from './status-page.ts';
import { compareCounts } from './top-rows.ts';
import type { TopRow } from './top-rows.ts';
import { makeTracePage } from './trace-page.ts';

export interface UiPagesOptions {
  readonly config: EffectiveConfig;
  readonly clock: Clock;
  readonly proxy: () => ProxyHandle | null;
  readonly status: () => NodeStatus;
  readonly connections: () => Promise<ConnectionsReport>;
  readonly report: (problem: Problem) => void;
}

/** The status page of the debug address, by path. */
export function makeUiPages(options: UiPagesOptions): ReadonlyMap<string, Page> {
  const { config, clock, proxy, status, report } = options;
  return makePageRoutes({
    audience: config.statusPage,
    host: config.metrics.host,
    trace: makeTracePage(runTraceChild),
    report,
    feed: {
      clock,
      watch: () => proxy()?.watchRows?.() ?? null,
      summary: () => {
        const { agent, synced, nodeEligible, families, dns, ingress, problems } = status();
        const countsConnections = config.mode === 'ipvs';
        return { agent, synced, nodeEligible, families, dns, ingress, problems, countsConnections };
      },
      figures: followFigures(options),
    },
  });
}

/** What is counted now; connections with what changed since the look before. */
function followFigures({ config, clock, proxy, connections }: UiPagesOptions): () => Promise<LiveFigures> {
  let before: { readonly report: ConnectionsReport; readonly at: number } | null = null;
  return async () => {
    const text = (await proxy()?.dnsMetrics?.()) ?? null;
    const dns = text === null ? null : readDnsFigures(text);
    if (config.mode !== 'ipvs') return { connections: null, dns };
    const after = { report: await connections(), at: clock.now() };
    const seconds = Math.max(200, after.at - (before?.at ?? after.at)) / 1000;
    const rows = compareCounts((before ?? after).report, after.report, { seconds, by: 'endpoint' });
    before = after;
    return { connections: { services: groupCounts(rows), problems: after.report.problems }, dns };
  };
}

/** Rows of endpoints, by Service. */
function groupCounts(rows: readonly TopRow[]): readonly ServiceCounts[] {
  const groups = Map.groupBy(rows, ({ service }) => service);
  return [...groups].map(([service, own]) => ({
    service,
    active: add(own.map(({ active }) => active)),
    inactive: add(own.map(({ inactive }) => inactive)),
    persistent: add(own.map(({ persistent }) => persistent)),
    perSecond: roundRate(add(own.map(({ activePerSecond }) => activePerSecond))),
    draining: own.some(({ draining }) => draining),
    endpoints: own.map(({ endpoint, active, inactive, persistent, activePerSecond, draining }) => ({
      endpoint: endpoint ?? '',
      active,
      inactive,
      persistent,
      perSecond: roundRate(activePerSecond),
      draining,
    })),
  }));
}

function add(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0);
}

function roundRate(rate: number): number {
  return Math.round(rate * 10) / 10;
}

import type { EffectiveConfig } from '../config/mod.ts';
import type { Clock, Problem } from '../model/mod.ts';
import { makePageRoutes } from '../observe/mod.ts';
import type { ConnectionsReport, LiveFigures, Page } from '../observe/mod.ts';
import { readDnsFigures } from './dns-figures.ts';
import { runTraceChild } from './driver-trace-child.ts';
import { LiveCounts } from './live-counts.ts';
import type { ProxyHandle } from './proxy-handle.ts';
import type { NodeStatus } from './status-page.ts';
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
  const rest = (): Promise<void> => new Promise((resolve) => void clock.after(0, resolve));
  const counts = new LiveCounts(rest);
  return async () => {
    const text = (await proxy()?.dnsMetrics?.()) ?? null;
    const dns = text === null ? null : readDnsFigures(text);
    if (config.mode !== 'ipvs') return { connections: null, dns };
    const report = await connections();
    return { connections: { services: await counts.take(report, clock.now()), problems: report.problems }, dns };
  };
}

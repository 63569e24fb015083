import type { Clock, Problem } from '../model/mod.ts';
import { createProfilingPages } from './debug-profile.ts';
import { renderFlagz, renderStatusz } from './debug-text.ts';
import { HttpListener } from './http-listener.ts';
import { jsonReply, plainReply } from './http-serve.ts';
import type { Question, Reply } from './http-serve.ts';
import type { Registry } from './metrics.ts';
import { createSliMetrics } from './sli-metrics.ts';
import type { ConnectionsReport, StatusReport } from './status-report.ts';

export interface DebugServerOptions {
  readonly host: string;
  readonly port: number;
  readonly mode: string;
  readonly version: string;
  /** The effective KubeProxyConfiguration. */
  readonly configuration: () => Readonly<Record<string, unknown>>;
  /** The value in force of every flag, or null where `/flagz` is switched off. */
  readonly flags: (() => ReadonlyMap<string, string>) | null;
  /** Serves `/statusz`. */
  readonly statusz: boolean;
  /** Changes the level of the log; null where `enableProfiling` is off, and `/debug/` with it. */
  readonly setVerbosity: ((verbosity: number) => void) | null;
  readonly registry: Registry;
  /** Asked for each request of `/services`. */
  readonly status: () => StatusReport;
  /** Asked for each request of `/connections`. */
  readonly connections: () => Promise<ConnectionsReport>;
  /** Pages of others, by path. */
  readonly pages?: ReadonlyMap<string, Page>;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly clock: Clock;
  readonly report: (problem: Problem) => void;
}

/** Makes the answer to one request. */
export type Page = (question: Question) => Reply | Promise<Reply>;

/** Makes the server of `/metrics` and its neighbours (specification 8.1), not started yet. */
export function createDebugServer(options: DebugServerOptions): HttpListener {
  const { mode, version, configuration, registry, status, connections, startedAt, clock, flags, statusz, setVerbosity } = options;
  const slis = createSliMetrics();
  const ping = (): Reply => {
    slis.note('ping', 'healthz', true);
    return plainReply(200, 'ok');
  };
  const pages = new Map<string, Page>([
    ['/healthz', ping],
    ['/healthz/ping', ping],
    ['/proxyMode', () => plainReply(200, mode)],
    ['/configz', () => jsonReply(200, { 'kubeproxy.config.k8s.io': configuration() })],
    ['/services', () => jsonReply(200, status())],
    ['/connections', async () => jsonReply(200, await connections())],
    ['/metrics', () => metrics(registry, startedAt)],
    ['/metrics/slis', () => metrics(slis.registry, startedAt)],
    ...(options.pages ?? []),
  ]);
  if (flags !== null) pages.set('/flagz', () => plainReply(200, renderFlagz(flags())));
  if (setVerbosity !== null) for (const [path, page] of createProfilingPages({ clock, setVerbosity })) pages.set(path, page);
  if (statusz) {
    const paths = [...pages.keys(), '/statusz'].toSorted();
    pages.set('/statusz', () => plainReply(200, renderStatusz({ version, mode, startedAt, now: clock.now(), paths })));
  }
  return new HttpListener({ ...options, name: 'metrics', answer: (path, question) => pages.get(path)?.(question) ?? null });
}

async function metrics(registry: Registry, startedAt: number): Promise<Reply> {
  const headers = {
    'Content-Type': 'text/plain; version=0.0.4; charset=utf-8',
    'Process-Start-Time-Unix': String(Math.floor(startedAt / 1000)),
  };
  return { status: 200, headers, body: await registry.gather() };
}

import type { Problem } from '../model/mod.ts';
import type { Clock } from '../model/mod.ts';
import { HttpListener } from './http-listener.ts';
import type { Reply } from './http-listener.ts';
import type { Registry } from './metrics.ts';
import type { StatusReport } from './status-report.ts';

export interface DebugServerOptions {
  readonly host: string;
  readonly port: number;
  readonly mode: string;
  /** The effective KubeProxyConfiguration. */
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly registry: Registry;
  /** Asked for each request of `/services`. */
  readonly status: () => StatusReport;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly clock: Clock;
  readonly report: (problem: Problem) => void;
}

/** Makes the server of `/metrics` and its neighbours (specification 8.1), not started yet. */
export function createDebugServer(options: DebugServerOptions): HttpListener {
  const { mode, configuration, registry, status, startedAt } = options;
  const pages: ReadonlyMap<string, () => Reply> = new Map([
    ['/healthz', () => plain('ok')],
    ['/healthz/ping', () => plain('ok')],
    ['/proxyMode', () => plain(mode)],
    ['/configz', () => json({ 'kubeproxy.config.k8s.io': configuration })],
    ['/services', () => json(status())],
    ['/metrics', () => metrics(registry, startedAt)],
  ]);
  return new HttpListener({ ...options, name: 'metrics', answer: (path) => pages.get(path)?.() ?? null });
}

function plain(body: string): Reply {
  const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' };
  return { status: 200, headers, body };
}

function json(value: unknown): Reply {
  const headers = { 'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff' };
  return { status: 200, headers, body: JSON.stringify(value) };
}

function metrics(registry: Registry, startedAt: number): Reply {
  const headers = {
    'Content-Type': 'text/plain; version=0.0.4; charset=utf-8',
    'Process-Start-Time-Unix': String(Math.floor(startedAt / 1000)),
  };
  return { status: 200, headers, body: registry.render() };
}

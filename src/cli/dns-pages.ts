import type { DnsSettings } from '../dns/mod.ts';
import { durationBounds } from '../dns/mod.ts';
import type { Clock, Problem } from '../model/mod.ts';
import { HttpListener, exponentialBuckets } from '../observe/mod.ts';
import type { Answer, Counter, Histogram, Registry, Reply } from '../observe/mod.ts';

export interface DnsPagesOptions {
  readonly settings: Pick<DnsSettings, 'health' | 'ready' | 'metrics'>;
  readonly registry: Registry;
  readonly ready: () => boolean;
  readonly alive: () => boolean;
  readonly clock: Clock;
  readonly report: (problem: Problem) => void;
}

/** Starts the pages of specification 15.3 and 19 that the settings ask for. A taken address is tried again for ever. */
export async function makeDnsPages(options: DnsPagesOptions): Promise<readonly HttpListener[]> {
  const { settings, registry, ready, alive, clock, report } = options;
  const pages: readonly (readonly [string, { host: string; port: number } | null, Answer])[] = [
    [
      'DNS health',
      settings.health,
      (path) => (path === '/health' ? answer(alive() ? 200 : 503, alive() ? 'OK' : 'a DNS thread does not answer') : null),
    ],
    [
      'DNS readiness',
      settings.ready,
      (path) => (path === '/ready' ? answer(ready() ? 200 : 503, ready() ? 'OK' : 'kubernetes') : null),
    ],
    ['DNS metrics', settings.metrics, async (path) => (path === '/metrics' ? metrics(await registry.gather()) : null)],
  ];
  const listeners = pages.flatMap(([name, place, reply]) => {
    if (place === null) return [];
    const host = place.host === '' ? '0.0.0.0' : place.host;
    return [new HttpListener({ name, host, port: place.port, answer: reply, clock, report })];
  });
  await Promise.all(listeners.map((listener) => listener.start()));
  return listeners;
}

function answer(status: number, body: string): Reply {
  return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' }, body };
}

function metrics(body: string): Reply {
  return { status: 200, headers: { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' }, body };
}

/** Metrics that the main thread counts itself. */
export class DnsHealthMetrics {
  readonly #durations: Histogram;
  readonly #failures: Counter;
  readonly #reloads: Counter;
  readonly #programming: Histogram;

  constructor(registry: Registry) {
    this.#durations = registry.histogram({
      name: 'coredns_health_request_duration_seconds',
      help: 'Time that a DNS thread takes to answer a health check of the agent.',
      buckets: durationBounds,
    });
    this.#failures = registry.counter({
      name: 'coredns_health_request_failures_total',
      help: 'Health checks that a DNS thread did not answer in time.',
    });
    this.#reloads = registry.counter({ name: 'coredns_reload_failed_total', help: 'Configurations that could not be used.' });
    this.#programming = registry.histogram({
      name: 'coredns_kubernetes_dns_programming_duration_seconds',
      help: 'From the change of endpoints to the answers that have it.',
      labels: ['service_kind'],
      buckets: exponentialBuckets(0.001, 2, 20),
    });
    for (const kind of ['cluster_ip', 'headless_with_selector'] as const) this.#programming.show([kind]);
  }

  /** Null: no answer in time. */
  pinged(seconds: number | null): void {
    if (seconds === null) this.#failures.add([]);
    else this.#durations.observe([], seconds);
  }

  programmed(kind: 'cluster_ip' | 'headless_with_selector', seconds: number): void {
    this.#programming.observe([kind], seconds);
  }

  reloadFailed(): void {
    this.#reloads.add([]);
  }
}

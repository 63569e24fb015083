import type { Problem } from '../model/mod.ts';
import type { Clock } from '../model/mod.ts';
import { answerHealth } from './health.ts';
import type { HealthView } from './health.ts';
import { addHealthMetrics } from './health-metrics.ts';
import { HttpListener } from './http-listener.ts';
import type { Reply } from './http-serve.ts';
import type { Registry } from './metrics.ts';

export interface HealthServerOptions {
  readonly host: string;
  readonly port: number;
  /** Asked for each request. */
  readonly view: () => HealthView;
  /** Milliseconds that a change may wait: twice the sync period. */
  readonly patience: () => number;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly report: (problem: Problem) => void;
}

/** Makes the server of `/healthz` and `/livez` (specification 7.2), not started yet. */
export function createHealthServer(options: HealthServerOptions): HttpListener {
  const counters = addHealthMetrics(options.registry);
  const answer = (path: string): Reply | null => {
    if (path !== '/healthz' && path !== '/livez') return null;
    const { status, body } = answerHealth(path, options.view(), options.clock.now(), options.patience());
    counters[path].add([String(status)]);
    return { status, headers: { 'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff' }, body };
  };
  return new HttpListener({ ...options, name: 'health', answer });
}

import { requestSeconds } from './metric-buckets.ts';
import type { Registry } from './metrics.ts';

/** One request to the API server; `took` is in milliseconds. */
interface Request {
  readonly method: string;
  readonly host: string;
  readonly code: string;
  readonly took: number;
}

/** A request that waited for its turn; `waited` is in milliseconds. */
interface Turn {
  readonly method: string;
  readonly host: string;
  readonly waited: number;
}

/** Adds client-go's metric of what the client-side limit holds back. Returns what counts one request. */
export function addTurnMetrics(registry: Registry, prefix = ''): (turn: Turn) => void {
  const duration = registry.histogram({
    name: `${prefix}rest_client_rate_limiter_duration_seconds`,
    help: 'Seconds that a request to the API server waited for the limit of this client.',
    labels: ['verb', 'host'],
    buckets: requestSeconds,
  });
  return ({ method, host, waited }) => duration.observe([method, host], waited / 1000);
}

/** Adds client-go's metrics of requests to the API server, under a prefix if there is one. Returns what counts one. */
export function addRequestMetrics(registry: Registry, prefix = ''): (request: Request) => void {
  const total = registry.counter({
    name: `${prefix}rest_client_requests_total`,
    help: 'Requests to the API server by status, method and host.',
    labels: ['code', 'host', 'method'],
  });
  const duration = registry.histogram({
    name: `${prefix}rest_client_request_duration_seconds`,
    help: 'Seconds from a request to the API server to the head of its answer.',
    labels: ['verb', 'host'],
    buckets: requestSeconds,
  });
  return ({ method, host, code, took }) => {
    total.add([code, host, method]);
    duration.observe([method, host], took / 1000);
  };
}

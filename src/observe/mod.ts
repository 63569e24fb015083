/**
 * What operators and load balancers see: log, metrics, health, the debug pages and tables. All of it is
 * read from the status rows and the health that the composition root hands in.
 */
export { systemClock } from './clock.ts';
export { createDebugServer } from './debug-server.ts';
export { formatAge, formatTime } from './format-time.ts';
export { addFrontendMetrics } from './frontend-metrics.ts';
export { isProxyHealthy } from './health.ts';
export type { HealthView } from './health.ts';
export { createHealthServer } from './health-server.ts';
export { HttpListener } from './http-listener.ts';
export type { HttpListenerOptions, Reply } from './http-listener.ts';
export { createLogger } from './logger.ts';
export type { LogFields, Logger } from './logger.ts';
export { Registry, exponentialBuckets } from './metrics.ts';
export type { Counter, Gauge, Histogram, LabelValues } from './metrics.ts';
export { createProblemLog } from './problem-log.ts';
export { addProcessMetrics } from './process-metrics.ts';
export type { StatusReport } from './status-report.ts';
export { formatTable } from './table.ts';
export { showControls } from './text-width.ts';

/**
 * What operators and load balancers see: log, metrics, health, the debug pages and tables. All of it is
 * read from the status rows and the health that the composition root hands in.
 */
export { addBuildMetrics } from './build-metrics.ts';
export { systemClock } from './clock.ts';
export { createDebugServer } from './debug-server.ts';
export type { Page } from './debug-server.ts';
export { formatTime } from './format-time.ts';
export { addFrontendMetrics } from './frontend-metrics.ts';
export { addHealthMetrics } from './health-metrics.ts';
export { isProxyHealthy } from './health.ts';
export type { HealthView } from './health.ts';
export { openHealthCheckServer } from './health-check-server.ts';
export type { HealthCheckServerOptions } from './health-check-server.ts';
export { createHealthServer } from './health-server.ts';
export { HttpListener } from './http-listener.ts';
export type { HttpListenerOptions } from './http-listener.ts';
export { jsonReply } from './http-serve.ts';
export type { Answer, Question, Reply } from './http-serve.ts';
export { createLogger } from './logger.ts';
export type { LogFields, Logger } from './logger.ts';
export { Registry, exponentialBuckets } from './metrics.ts';
export type { CountedCounter, CountedHistogram, Counter, Gauge, Histogram, LabelValues, MetricDescription } from './metrics.ts';
export { makePageRoutes } from './page-routes.ts';
export type { LiveFigures } from './live-feed.ts';
export { formatAge } from './page/format-age.ts';
export { formatAmount } from './page/format-amount.ts';
export type { Counts, DnsFigures, ServiceCounts, TrafficRates } from './page/wire.ts';
export { createProblemLog } from './problem-log.ts';
export { addProcessMetrics } from './process-metrics.ts';
export { addRequestMetrics, addTurnMetrics } from './request-metrics.ts';
export { addServerMetrics } from './server-metrics.ts';
export { createSliMetrics } from './sli-metrics.ts';
export { SocketListener } from './socket-listener.ts';
export type { ConnectionsReport, FamilyConnections, StatusReport } from './status-report.ts';
export { createSyncMetrics } from './sync-metrics.ts';
export type { SyncMetrics } from './sync-metrics.ts';
export { formatTable } from './table.ts';
export { showControls } from './text-width.ts';
export { TrafficGrowth } from './traffic-growth.ts';

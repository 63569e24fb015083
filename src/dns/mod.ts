/**
 * Cluster DNS: the names of Services, endpoints and pods out of the snapshot that the proxy works from, everything else from
 * upstreams through a cache. Answers come from worker threads with sockets of their own; this thread tells them of changes.
 */
export type { CacheCounts } from './cache.ts';
export { formatRcode, formatType, parseType } from './constants.ts';
export { convertPath, loadSettings, watchSettings } from './driver-settings.ts';
export type { LoadOptions } from './driver-settings.ts';
export { startThread } from './driver-thread.ts';
export { needsOf } from './feed-needs.ts';
export type { DataNeeds } from './feed-needs.ts';
export type { UpstreamCounts } from './forward-counts.ts';
export { makeLoopName } from './forward-loop.ts';
export { createInterceptKeeper } from './intercept-keeper.ts';
export type { InterceptKeeper, InterceptState } from './intercept-keeper.ts';
export { durationBounds, labelsOfResponse, sizeBounds, typeLabels } from './lane-counts.ts';
export type { LaneCounts } from './lane-counts.ts';
export { createListenRoutes } from './listen-routes.ts';
export type { ListenRoutes } from './listen-routes.ts';
export { formatName, lowerName, parseName } from './name.ts';
export { formatRecord } from './presentation.ts';
export { Resolver } from './resolver.ts';
export type { ResolverState } from './resolver.ts';
export type { DnsSettings } from './settings.ts';
export type { Explanation, ListenPoint, NodeFacts, WorkerCounts } from './worker-messages.ts';

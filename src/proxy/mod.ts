/**
 * From snapshots to a programmed kernel: frontends out of Services and EndpointSlices, a bounded rate of
 * syncs, one reconciler for each IP family, a status row for every frontend, and what follows a sync.
 */
export type { AfterSync, AppliedSync } from './after-sync.ts';
export { createConntrackCleaner } from './conntrack-cleaner.ts';
export type { ConntrackCleaner, ConntrackPass } from './conntrack-cleaner.ts';
export type { FamilyDiff } from './family-diff.ts';
export type { EndpointPart, EndpointUse, UnusedReason } from './explain-endpoints.ts';
export { HealthCheckPorts } from './health-check-ports.ts';
export type { HealthCheckOptions, HealthCheckRow, HealthCheckTarget, OpenHealthCheck } from './health-check-ports.ts';
export { isNodeKnown, judgeNode, nodePatience } from './node-wait.ts';
export type { Notice } from './notice.ts';
export { Proxy } from './proxy.ts';
export type { FamilyTally, ProxyOptions, SnapshotSource } from './proxy.ts';
export type { Pace } from './reconciler-options.ts';
export { resolvePodTraffic } from './settings.ts';
export type { SyncEvent, SyncKind, SyncObserver } from './sync-event.ts';
export { deriveFrontends } from './view.ts';
export type { Viewpoint } from './view.ts';

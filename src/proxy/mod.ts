/**
 * From snapshots to a programmed kernel: frontends out of Services and EndpointSlices, a bounded rate of
 * syncs, one reconciler for each IP family, and a status row for every frontend.
 */
export { Proxy } from './proxy.ts';
export type { ProxyOptions, SnapshotSource } from './proxy.ts';
export type { Notice } from './reconciler.ts';
export { deriveFrontends } from './view.ts';
export type { Viewpoint } from './view.ts';

/**
 * Where the cluster's state comes from: list and watch on an API server, or a folder of manifests. Both
 * turn hostile API objects into slim records and give out immutable snapshots. Events go the other way.
 */
export { createPause } from './client-pause.ts';
export type { RequestObserver, RequestSeen, TurnObserver } from './client-seen.ts';

export { decodeNode, decodeService, decodeSlice } from './decode.ts';
export type { AgentEvent, EventSubject } from './event-object.ts';
export { openEventWriter } from './event-open.ts';
export type { EventSink } from './event-sink.ts';
export { createManifestSource } from './manifest-source.ts';
export { openAddressStores } from './open-address-stores.ts';
export type { AddressStores } from './address-stores.ts';
export { openClusterSource } from './open-cluster-source.ts';
export { openLeaseWatch } from './open-lease-watch.ts';
export type { Source } from './source.ts';
export { createStore } from './store.ts';
export type { Store } from './store.ts';

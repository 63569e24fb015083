/**
 * Where the cluster's state comes from: list and watch on an API server, or a folder of manifests. Both
 * turn hostile API objects into slim records and give out immutable snapshots.
 */
export { createPause } from './client-pause.ts';

export { decodeNode, decodeService, decodeSlice } from './decode.ts';
export { createManifestSource } from './manifest-source.ts';
export { openClusterSource } from './open-cluster-source.ts';
export type { Source } from './source.ts';
export { createStore } from './store.ts';
export type { Store } from './store.ts';

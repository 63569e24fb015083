/**
 * Where the cluster's state comes from: list and watch on an API server, or a folder of manifests. Both
 * turn hostile API objects into slim records and give out immutable snapshots.
 */
export { createClusterSource } from './cluster-source.ts';
export { decodeNode, decodeService, decodeSlice } from './decode.ts';
export { createManifestSource } from './manifest-source.ts';
export type { Source, SourceHandlers } from './source.ts';
export { createStore } from './store.ts';

import type { NamespaceRecord, NodeRecord, PodRecord, ServiceKey, ServiceRecord, SliceRecord } from './records.ts';

/** The reading half of a map. */
export interface Lookup<V> extends Iterable<readonly [string, V]> {
  readonly size: number;
  get(key: string): V | undefined;
  keys(): Iterable<string>;
}

/**
 * All that is known of the cluster at one moment. Immutable: a change makes a new Snapshot that
 * shares everything it did not touch.
 */
export interface Snapshot {
  /** Grows by one with each commit. */
  readonly version: number;
  readonly services: Lookup<ServiceRecord>;
  /** By the Service they belong to; slices whose Service does not exist are here as well. */
  readonly slices: Lookup<readonly SliceRecord[]>;
  /** Null until the Node was seen; a Node that vanished stays as last seen. */
  readonly node: NodeRecord | null;
  /** Services and EndpointSlices have each been read in full once. Stays false where nobody asked for what DNS needs. */
  readonly listed: boolean;
  /** By name. Null until all have been read once, and where nobody asked. */
  readonly namespaces: Lookup<NamespaceRecord> | null;
  /** By `namespace/name`. Null until all have been read once, and where nobody asked. */
  readonly pods: Lookup<PodRecord> | null;
  /** All Nodes by name, this one included. Null until all have been read once, and where nobody asked. */
  readonly nodes: Lookup<NodeRecord> | null;
}

/** What one commit may have changed. */
export interface Dirty {
  readonly services: ReadonlySet<ServiceKey>;
  readonly node: boolean;
  /** Names. The commit that first has namespaces does not name them: all are new. */
  readonly namespaces: ReadonlySet<string>;
  /** `namespace/name`. The commit that first has Pods does not name them: all are new. */
  readonly pods: ReadonlySet<string>;
  /** Names. The commit that first has Nodes does not name them: all are new. */
  readonly nodes: ReadonlySet<string>;
}

/** What is known before anything was read. */
export const emptySnapshot: Snapshot = {
  version: 0,
  services: new Map(),
  slices: new Map(),
  node: null,
  listed: false,
  namespaces: null,
  pods: null,
  nodes: null,
};

/** A commit that touched nothing. */
export const noDirt: Dirty = {
  services: new Set(),
  node: false,
  namespaces: new Set(),
  pods: new Set(),
  nodes: new Set(),
};

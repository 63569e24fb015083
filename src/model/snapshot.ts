import type { NodeRecord, ServiceKey, ServiceRecord, SliceRecord } from './records.ts';

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
}

/** What one commit may have changed. */
export interface Dirty {
  readonly services: ReadonlySet<ServiceKey>;
  readonly node: boolean;
}

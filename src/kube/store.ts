import { emptySnapshot } from '../model/mod.ts';
import type { Dirty, NamespaceRecord, NodeRecord, PodRecord, ServiceRecord, SliceRecord, Snapshot } from '../model/mod.ts';
import { isSameData, isSameSlice } from './store-equal.ts';
import { ListedRecords } from './store-listed.ts';
import { ShardedMap } from './store-map.ts';
import { TrackedRecords } from './store-records.ts';
import type { Collection } from './store-records.ts';
import { SliceGroups } from './store-slices.ts';

export type { Collection } from './store-records.ts';

/** What a commit gives: the new state and what differs from the one before. */
export interface Commit {
  readonly snapshot: Snapshot;
  readonly dirty: Dirty;
}

/** All that a source has read. Writes show in the next commit, never in a snapshot already given. */
export interface Store {
  /** By `namespace/name`. */
  readonly services: Collection<ServiceRecord>;
  /** By `namespace/name` of the slice; joined to Services by `SliceRecord.service`. */
  readonly slices: Collection<SliceRecord>;
  /** The own Node. Removing it changes nothing: a Node that vanished stays as last seen (specification 1.4). */
  readonly nodes: Collection<NodeRecord>;
  /** By name. */
  readonly namespaces: Collection<NamespaceRecord>;
  /** By `namespace/name`. */
  readonly pods: Collection<PodRecord>;
  /** These have been read in full: the next commit says so (`Snapshot.listed`, `namespaces`, `pods`). */
  markListed(what: 'services' | 'namespaces' | 'pods'): void;
  /** The state of the last commit; version 0 and empty before the first. */
  readonly snapshot: Snapshot;
  /** Null when nothing differs from the last commit. Costs as much as what changed since. */
  commit(): Commit | null;
}

/** An empty store. */
export function createStore(): Store {
  return new SnapshotStore();
}

class SnapshotStore implements Store {
  readonly services = new TrackedRecords<ServiceRecord>((service) => service.key, isSameData);
  readonly slices = new TrackedRecords<SliceRecord>((slice) => slice.key, isSameSlice);
  readonly nodes = new LastNode();
  readonly namespaces = new ListedRecords<NamespaceRecord>((namespace) => namespace.name, isSameData);
  readonly pods = new ListedRecords<PodRecord>((pod) => pod.key, isSameData);
  readonly #services = new ShardedMap<ServiceRecord>();
  readonly #groups = new SliceGroups();
  #listed = false;
  #snapshot: Snapshot = { ...emptySnapshot, services: this.#services.freeze(), slices: this.#groups.freeze() };

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  markListed(what: 'services' | 'namespaces' | 'pods'): void {
    if (what === 'services') this.#listed = true;
    else this[what].markListed();
  }

  commit(): Commit | null {
    const last = this.#snapshot;
    const serviceChanges = this.services.takeChanges();
    const sliceChanges = this.slices.takeChanges();
    const namespaces = this.namespaces.takeStep();
    const pods = this.pods.takeStep();
    const nodeChanged = !isSameData(this.nodes.last, last.node);
    const same = namespaces === null && pods === null && this.#listed === last.listed;
    if (serviceChanges.length === 0 && sliceChanges.length === 0 && !nodeChanged && same) return null;

    const services = new Set(this.#groups.apply(sliceChanges));
    for (const { key, after } of serviceChanges) {
      services.add(key);
      if (after === undefined) this.#services.delete(key);
      else this.#services.set(key, after);
    }
    this.#snapshot = {
      version: last.version + 1,
      services: serviceChanges.length === 0 ? last.services : this.#services.freeze(),
      slices: sliceChanges.length === 0 ? last.slices : this.#groups.freeze(),
      node: nodeChanged ? this.nodes.last : last.node,
      listed: this.#listed,
      namespaces: namespaces?.lookup ?? last.namespaces,
      pods: pods?.lookup ?? last.pods,
      nodes: null,
    };
    const dirty = {
      services,
      node: nodeChanged,
      namespaces: namespaces?.dirty ?? nothing,
      pods: pods?.dirty ?? nothing,
      nodes: nothing,
    };
    return { snapshot: this.#snapshot, dirty };
  }
}

const nothing: ReadonlySet<string> = new Set();

/** Remembers the Node as it was last seen. */
class LastNode implements Collection<NodeRecord> {
  last: NodeRecord | null = null;

  replace(records: Iterable<NodeRecord>): void {
    for (const record of records) this.upsert(record);
  }

  upsert(record: NodeRecord): void {
    this.last = record;
  }

  remove(): void {
    // A vanished Node tells nothing about the traffic that still passes it.
  }
}

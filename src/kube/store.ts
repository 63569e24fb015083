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

/** What shows as a whole once it has been read in full. */
type Listable = 'services' | 'namespaces' | 'pods' | 'nodes';

/** All that a source has read. Writes show in the next commit, never in a snapshot already given. */
export interface Store {
  /** By `namespace/name`. */
  readonly services: Collection<ServiceRecord>;
  /** By `namespace/name` of the slice; joined to Services by `SliceRecord.service`. */
  readonly slices: Collection<SliceRecord>;
  /**
   * By name: all Nodes, or the own one alone where nobody asked for more. Removing the own one takes it from `Snapshot.nodes`,
   * never from `Snapshot.node`: a Node that vanished stays there as last seen (specification 1.4).
   */
  readonly nodes: Collection<NodeRecord>;
  /** By name. */
  readonly namespaces: Collection<NamespaceRecord>;
  /** By `namespace/name`. */
  readonly pods: Collection<PodRecord>;
  /** These have been read in full: the next commit says so (`Snapshot.listed`, `namespaces`, `pods`, `nodes`). */
  markListed(what: Listable): void;
  /** The state of the last commit; version 0 and empty before the first. */
  readonly snapshot: Snapshot;
  /** Null when nothing differs from the last commit. Costs as much as what changed since. */
  commit(): Commit | null;
}

/** An empty store. `ownNode` is the name of the own Node; where none is given only that one is ever written. */
export function createStore(ownNode: string | null = null): Store {
  return new SnapshotStore(ownNode);
}

class SnapshotStore implements Store {
  readonly services = new TrackedRecords<ServiceRecord>((service) => service.key, isSameData);
  readonly slices = new TrackedRecords<SliceRecord>((slice) => slice.key, isSameSlice);
  readonly nodes: NodeRecords;
  readonly namespaces = new ListedRecords<NamespaceRecord>((namespace) => namespace.name, isSameData);
  readonly pods = new ListedRecords<PodRecord>((pod) => pod.key, isSameData);
  readonly #services = new ShardedMap<ServiceRecord>();
  readonly #groups = new SliceGroups();
  #listed = false;
  #snapshot: Snapshot = { ...emptySnapshot, services: this.#services.freeze(), slices: this.#groups.freeze() };

  constructor(ownNode: string | null) {
    this.nodes = new NodeRecords(ownNode);
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  markListed(what: Listable): void {
    if (what === 'services') this.#listed = true;
    else this[what].markListed();
  }

  commit(): Commit | null {
    const last = this.#snapshot;
    const serviceChanges = this.services.takeChanges();
    const sliceChanges = this.slices.takeChanges();
    const namespaces = this.namespaces.takeStep();
    const pods = this.pods.takeStep();
    const nodes = this.nodes.takeStep();
    const nodeChanged = !isSameData(this.nodes.own, last.node);
    const same = namespaces === null && pods === null && nodes === null && this.#listed === last.listed;
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
      node: nodeChanged ? this.nodes.own : last.node,
      listed: this.#listed,
      namespaces: namespaces?.lookup ?? last.namespaces,
      pods: pods?.lookup ?? last.pods,
      nodes: nodes?.lookup ?? last.nodes,
    };
    const dirty = {
      services,
      node: nodeChanged,
      namespaces: namespaces?.dirty ?? nothing,
      pods: pods?.dirty ?? nothing,
      nodes: nodes?.dirty ?? nothing,
    };
    return { snapshot: this.#snapshot, dirty };
  }
}

const nothing: ReadonlySet<string> = new Set();

/** Nodes, and the own one as it was last seen: a vanished Node tells nothing about the traffic that still passes it. */
class NodeRecords extends ListedRecords<NodeRecord> {
  readonly #ownName: string | null;
  own: NodeRecord | null = null;

  constructor(ownName: string | null) {
    super((node) => node.name, isSameData);
    this.#ownName = ownName;
  }

  override upsert(record: NodeRecord): void {
    if (this.#ownName === null || record.name === this.#ownName) this.own = record;
    super.upsert(record);
  }
}

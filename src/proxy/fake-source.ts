import { emptySnapshot, noDirt } from '../model/mod.ts';
import type { Dirty, Lookup, NodeRecord, ServiceKey, ServiceRecord, SliceRecord, Snapshot } from '../model/mod.ts';
import type { SnapshotSource } from './proxy.ts';

type Handlers = Parameters<SnapshotSource['start']>[0];

/** A source for tests whose content is set by hand. Speaks on the caller's turn. */
export class FakeSource implements SnapshotSource {
  closed = false;
  #handlers: Handlers | null = null;
  #version = 0;
  #services = new Map<ServiceKey, ServiceRecord>();
  #slices = new Map<ServiceKey, readonly SliceRecord[]>();
  #node: NodeRecord | null = null;

  start(handlers: Handlers): void {
    this.#handlers = handlers;
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  /** Replaces Services (null removes) with their slices and tells of it. */
  put(key: ServiceKey, service: ServiceRecord | null, slices: readonly SliceRecord[] = []): void {
    this.#services = new Map(this.#services);
    this.#slices = new Map(this.#slices);
    if (service === null) this.#services.delete(key);
    else this.#services.set(key, service);
    this.#slices.set(key, slices);
    this.#commit({ ...noDirt, services: new Set([key]) });
  }

  setNode(node: NodeRecord): void {
    this.#node = node;
    this.#commit({ ...noDirt, node: true });
  }

  /** A commit of what only DNS reads. */
  touchPods(): void {
    this.#commit({ ...noDirt, namespaces: new Set(['shop']), pods: new Set(['shop/pod']) });
  }

  synced(): void {
    this.#handlers?.synced();
  }

  #commit(dirty: Dirty): void {
    this.#version += 1;
    const snapshot: Snapshot = {
      ...emptySnapshot,
      version: this.#version,
      services: lookup(this.#services),
      slices: lookup(this.#slices),
      node: this.#node,
    };
    this.#handlers?.change(snapshot, dirty);
  }
}

function lookup<V>(map: ReadonlyMap<string, V>): Lookup<V> {
  return map;
}

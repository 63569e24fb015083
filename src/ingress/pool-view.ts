import type { Dirty, LiveService, ServiceKey, ServiceRecord, Snapshot } from '../model/mod.ts';
import { describePoolService } from './pool-service.ts';
import type { PoolService } from './pool-service.ts';

/** The Services that matter to the allocator, followed from the snapshots. It may lag behind; see AddressAllocator. */
export class PoolView {
  readonly #className: string;
  readonly #records = new Map<ServiceKey, ServiceRecord>();
  readonly #services = new Map<string, PoolService>();

  constructor(className: string) {
    this.#className = className;
  }

  /** By uid. */
  get services(): ReadonlyMap<string, PoolService> {
    return this.#services;
  }

  /** Takes over what a commit may have changed; all of it where `dirty` is null. True if that matters. */
  update(snapshot: Snapshot, dirty: Dirty | null): boolean {
    const keys = dirty === null ? new Set([...this.#records.keys(), ...snapshot.services.keys()]) : dirty.services;
    let changed = false;
    for (const key of keys) if (this.#take(key, snapshot.services.get(key))) changed = true;
    return changed;
  }

  /** What a Service showed when it was read or written; holds until a snapshot brings another record of it. */
  learn(live: LiveService): void {
    const service = this.#services.get(live.uid);
    if (service !== undefined) this.#services.set(live.uid, { ...service, status: live.addresses });
  }

  #take(key: ServiceKey, record: ServiceRecord | undefined): boolean {
    const before = this.#records.get(key);
    // An endpoint's change makes a Service dirty as well, and leaves its record as it was.
    if (record === before) return false;
    const service = record === undefined ? null : describePoolService(record, this.#className);
    if (before !== undefined) this.#services.delete(before.uid);
    if (record === undefined || service === null) this.#records.delete(key);
    else {
      this.#records.set(key, record);
      this.#services.set(service.uid, service);
    }
    return before !== undefined || service !== null;
  }
}

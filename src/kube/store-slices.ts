import { compareText } from '../model/mod.ts';
import type { Lookup, ServiceKey, SliceRecord } from '../model/mod.ts';
import { ShardedMap } from './store-map.ts';
import type { RecordChange } from './store-records.ts';

/** Slices by the Service they belong to, each list ordered by slice key. */
export class SliceGroups {
  readonly #lists = new ShardedMap<readonly SliceRecord[]>();

  /** Follows the changes and names every Service that gained, lost or saw change a slice. */
  apply(changes: readonly RecordChange<SliceRecord>[]): ReadonlySet<ServiceKey> {
    const touched = new Map<ServiceKey, Map<string, SliceRecord>>();
    for (const { key, before, after } of changes) {
      if (before !== undefined) this.#open(touched, before.service).delete(key);
      if (after !== undefined) this.#open(touched, after.service).set(key, after);
    }
    for (const [service, group] of touched) {
      if (group.size === 0) this.#lists.delete(service);
      else
        this.#lists.set(
          service,
          [...group.values()].toSorted((a, b) => compareText(a.key, b.key)),
        );
    }
    return new Set(touched.keys());
  }

  freeze(): Lookup<readonly SliceRecord[]> {
    return this.#lists.freeze();
  }

  #open(touched: Map<ServiceKey, Map<string, SliceRecord>>, service: ServiceKey): Map<string, SliceRecord> {
    let group = touched.get(service);
    if (group === undefined) {
      group = new Map(this.#lists.get(service)?.map((slice) => [slice.key, slice]));
      touched.set(service, group);
    }
    return group;
  }
}

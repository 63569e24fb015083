import { emptySnapshot } from '../model/mod.ts';
import type { Dirty, Lookup, ServiceRecord, SliceRecord, Snapshot } from '../model/mod.ts';

type Slices = readonly SliceRecord[];

/**
 * The cluster as a proxy sees it: without the Services that another proxy was named for, headless ones and their slices,
 * which a source delivers where DNS needs them (specification 1.1). Where nobody asked for them, all that comes passes.
 */
export class ProxiedView {
  #seen: Snapshot = emptySnapshot;

  get snapshot(): Snapshot {
    return this.#seen;
  }

  /** What a commit changed for a proxy; null where that is nothing, and nobody must be woken for it. */
  take(snapshot: Snapshot, dirty: Dirty): Dirty | null {
    const before = this.#seen;
    const after: Snapshot = {
      ...snapshot,
      services: new ProxiedServices(snapshot.services),
      slices: new ProxiedSlices(snapshot.slices),
    };
    this.#seen = after;
    const services = new Set<string>();
    for (const key of dirty.services) {
      if (before.services.get(key) !== after.services.get(key) || !isSame(before.slices.get(key), after.slices.get(key))) {
        services.add(key);
      }
    }
    return services.size === 0 && !dirty.node ? null : { ...dirty, services };
  }
}

class ProxiedServices implements Lookup<ServiceRecord> {
  readonly #all: Lookup<ServiceRecord>;

  constructor(all: Lookup<ServiceRecord>) {
    this.#all = all;
  }

  get size(): number {
    return [...this].length;
  }

  get(key: string): ServiceRecord | undefined {
    const service = this.#all.get(key);
    return service?.proxied === true ? service : undefined;
  }

  *keys(): Generator<string> {
    for (const [key] of this) yield key;
  }

  *[Symbol.iterator](): Generator<readonly [string, ServiceRecord]> {
    for (const entry of this.#all) if (entry[1].proxied) yield entry;
  }
}

class ProxiedSlices implements Lookup<Slices> {
  readonly #all: Lookup<Slices>;

  constructor(all: Lookup<Slices>) {
    this.#all = all;
  }

  get size(): number {
    return [...this].length;
  }

  get(key: string): Slices | undefined {
    return proxiedOf(this.#all.get(key));
  }

  *keys(): Generator<string> {
    for (const [key] of this) yield key;
  }

  *[Symbol.iterator](): Generator<readonly [string, Slices]> {
    for (const [key, all] of this.#all) {
      const slices = proxiedOf(all);
      if (slices !== undefined) yield [key, slices];
    }
  }
}

/** The list itself where a proxy sees all of it, as nearly always. */
function proxiedOf(all: Slices | undefined): Slices | undefined {
  if (all === undefined || all.every((slice) => slice.proxied)) return all;
  const proxied = all.filter((slice) => slice.proxied);
  return proxied.length === 0 ? undefined : proxied;
}

function isSame(a: Slices | undefined, b: Slices | undefined): boolean {
  return a === b || (a !== undefined && a.length === b?.length && a.every((slice, at) => slice === b[at]));
}

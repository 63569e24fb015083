import { collections } from './collections.ts';
import type { CollectionName } from './collections.ts';

export interface ApiObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

/** One change: what the object was and what it is; null for not there. */
export interface HistoryEvent {
  readonly version: number;
  readonly collection: CollectionName;
  readonly before: ApiObject | null;
  readonly after: ApiObject | null;
}

/**
 * The objects of a server and how they came to be, with one version counter for all collections as in
 * etcd. Objects are stored as given; only `metadata.resourceVersion` is set here.
 */
export class History {
  readonly #objects = new Map<CollectionName, Map<string, ApiObject>>();
  #events: HistoryEvent[] = [];
  #version: number;
  #compactedTo: number;

  /** Begins empty after `version`. */
  constructor(version = 1) {
    this.#version = version;
    this.#compactedTo = version;
    for (const name of Object.keys(collections)) this.#objects.set(name as CollectionName, new Map());
  }

  get version(): number {
    return this.#version;
  }

  /** Creates or replaces an object. */
  put(collection: CollectionName, object: ApiObject): HistoryEvent {
    const version = this.#version + 1;
    const metadata = { ...object.metadata, resourceVersion: String(version) };
    return this.#record(collection, keyOf(object.metadata), { ...object, metadata });
  }

  /** Null where there is no such object. */
  remove(collection: CollectionName, namespace: string | undefined, name: string): HistoryEvent | null {
    const key = keyOf({ name, ...(namespace === undefined ? {} : { namespace }) });
    return this.#of(collection).has(key) ? this.#record(collection, key, null) : null;
  }

  /** All objects of a collection in the order of their keys, as etcd keeps them. */
  list(collection: CollectionName): readonly ApiObject[] {
    const entries = [...this.#of(collection)];
    return entries.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, object]) => object);
  }

  find(collection: CollectionName, namespace: string, name: string): ApiObject | undefined {
    return this.#of(collection).get(keyOf({ namespace, name }));
  }

  /** What happened after `version`, or null where that was compacted away. */
  since(collection: CollectionName, version: number): readonly HistoryEvent[] | null {
    if (version < this.#compactedTo) return null;
    return this.#events.filter((event) => event.version > version && event.collection === collection);
  }

  /** Forgets how the present came to be. A version alone moves no object, as when other resources change. */
  compact(): void {
    this.#version += 1;
    this.#compactedTo = this.#version;
    this.#events = [];
  }

  #of(collection: CollectionName): Map<string, ApiObject> {
    const objects = this.#objects.get(collection);
    if (objects === undefined) throw new Error(`no collection ${collection}`);
    return objects;
  }

  #record(collection: CollectionName, key: string, after: ApiObject | null): HistoryEvent {
    const objects = this.#of(collection);
    const before = objects.get(key) ?? null;
    if (after === null) objects.delete(key);
    else objects.set(key, after);
    this.#version += 1;
    const event = { version: this.#version, collection, before, after };
    this.#events.push(event);
    return event;
  }
}

function keyOf({ namespace, name }: { readonly namespace?: string; readonly name: string }): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** The writing half of one kind of object. Records that equal what is there change nothing. */
export interface Collection<T> {
  /** Makes the collection exactly these records; what is not among them is removed. */
  replace(records: Iterable<T>): void;
  upsert(record: T): void;
  /** Removing what is not there is no change (specification 1.8). */
  remove(key: string): void;
}

/** What became of one key between two calls of `takeChanges`. */
export interface RecordChange<T> {
  readonly key: string;
  readonly before: T | undefined;
  readonly after: T | undefined;
}

/** Records by key that know what changed since they were last asked. */
export class TrackedRecords<T> implements Collection<T> {
  readonly #keyOf: (record: T) => string;
  readonly #isSame: (a: T, b: T) => boolean;
  readonly #current = new Map<string, T>();
  /** The last taken state of each key written since. */
  readonly #before = new Map<string, T | undefined>();

  constructor(keyOf: (record: T) => string, isSame: (a: T, b: T) => boolean) {
    this.#keyOf = keyOf;
    this.#isSame = isSame;
  }

  replace(records: Iterable<T>): void {
    const kept = new Set<string>();
    for (const record of records) {
      kept.add(this.#keyOf(record));
      this.upsert(record);
    }
    if (kept.size === this.#current.size) return;
    for (const key of this.#current.keys()) if (!kept.has(key)) this.remove(key);
  }

  upsert(record: T): void {
    const key = this.#keyOf(record);
    const current = this.#current.get(key);
    if (current !== undefined && this.#isSame(current, record)) return;
    this.#remember(key, current);
    const before = this.#before.get(key);
    // An edit that was taken back is no edit, and the old record keeps its identity.
    this.#current.set(key, before !== undefined && this.#isSame(before, record) ? before : record);
  }

  remove(key: string): void {
    const current = this.#current.get(key);
    if (current === undefined) return;
    this.#remember(key, current);
    this.#current.delete(key);
  }

  /** What differs from the last call, and a fresh start. */
  takeChanges(): readonly RecordChange<T>[] {
    const changes: RecordChange<T>[] = [];
    for (const [key, before] of this.#before) {
      const after = this.#current.get(key);
      if (before !== after) changes.push({ key, before, after });
    }
    this.#before.clear();
    return changes;
  }

  #remember(key: string, current: T | undefined): void {
    if (!this.#before.has(key)) this.#before.set(key, current);
  }
}

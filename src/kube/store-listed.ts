import type { Lookup } from '../model/mod.ts';
import { ShardedMap } from './store-map.ts';
import { TrackedRecords } from './store-records.ts';

const nothing: ReadonlySet<string> = new Set();

/** What a commit takes over of one kind of record. */
interface Step<T> {
  /** Null until all were read once. */
  readonly lookup: Lookup<T> | null;
  /** Keys that changed; none in the step that first shows the records. */
  readonly dirty: ReadonlySet<string>;
}

/**
 * Records that show only once all of them have been read. They are taken over commit by commit all the same, so that the
 * one which shows a hundred thousand of them is no long turn.
 */
export class ListedRecords<T> extends TrackedRecords<T> {
  readonly #map = new ShardedMap<T>();
  #listed = false;
  #lookup: Lookup<T> | null = null;

  /** All have been read: the next commit shows them. */
  markListed(): void {
    this.#listed = true;
  }

  /** Takes over what was written; null where nothing differs for readers. */
  takeStep(): Step<T> | null {
    const changes = this.takeChanges();
    for (const { key, after } of changes) {
      if (after === undefined) this.#map.delete(key);
      else this.#map.set(key, after);
    }
    if (!this.#listed || (changes.length === 0 && this.#lookup !== null)) return null;
    const dirty = this.#lookup === null ? nothing : new Set(changes.map(({ key }) => key));
    this.#lookup = this.#map.freeze();
    return { lookup: this.#lookup, dirty };
  }
}

import type { Lease } from './zone-contract.ts';

/** Classes of answers; each has its own room, so that a flood of one never pushes out another. */
export type CacheKind = 'success' | 'denial' | 'servfail';

/** One remembered answer. Times are in milliseconds. */
export interface CacheEntry<V> {
  readonly key: string;
  readonly kind: CacheKind;
  readonly value: V;
  readonly storedAt: number;
  readonly freshUntil: number;
  /** Behind it the entry is of no use, stale or not. */
  readonly deadAt: number;
  /** What the answer depends on besides time: the data of our own zones. */
  readonly lease: Lease;
  /** It is the one that its key leads to. */
  held: boolean;
  /** Where it stands in its room. */
  slot: number;
  /** It was asked for since the last look of the eviction. */
  used: boolean;
  /** Times it was asked for without a longer pause, for prefetching. */
  asked: number;
  askedAt: number;
  /** Until then nobody else refreshes it. */
  refreshUntil: number;
}

/** How many entries an eviction looks at. */
const looks = 4;

/**
 * Entries of one class, at most `capacity`. Whoever has to go is drawn by lot, dead entries first and those that were asked
 * for since the last look last: near to LRU, in constant time, and nothing is moved when an entry is read.
 */
export class CacheRoom<V> {
  readonly #capacity: number;
  readonly #random: (limit: number) => number;
  readonly #entries: CacheEntry<V>[] = [];

  constructor(capacity: number, random: (limit: number) => number) {
    this.#capacity = capacity;
    this.#random = random;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Puts an entry in. The result had to go for it. */
  add(entry: CacheEntry<V>, now: number): CacheEntry<V> | null {
    const victim = this.#entries.length >= this.#capacity ? this.#draw(now) : null;
    if (victim !== null) this.remove(victim);
    entry.slot = this.#entries.length;
    this.#entries.push(entry);
    return victim;
  }

  remove(entry: CacheEntry<V>): void {
    const last = this.#entries.pop();
    if (last === undefined || last === entry) return;
    this.#entries[entry.slot] = last;
    last.slot = entry.slot;
  }

  /** Puts an entry where another one of the same key was. */
  replace(old: CacheEntry<V>, entry: CacheEntry<V>): void {
    entry.slot = old.slot;
    this.#entries[old.slot] = entry;
  }

  #draw(now: number): CacheEntry<V> | null {
    let chosen: CacheEntry<V> | null = null;
    for (let look = 0; look < looks; look += 1) {
      const entry = this.#entries[this.#random(this.#entries.length)];
      if (entry === undefined) return null;
      if (entry.deadAt <= now) return entry;
      if (chosen === null || (chosen.used && !entry.used)) chosen = entry;
      entry.used = entry === chosen && entry.used;
    }
    return chosen;
  }
}

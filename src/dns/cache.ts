import { CacheRoom } from './cache-entries.ts';
import type { CacheEntry, CacheKind } from './cache-entries.ts';
import { coversName, lifeOf } from './cache-life.ts';
import { rcode } from './constants.ts';
import type { Name } from './name.ts';
import { permanent } from './resolution.ts';
import type { CacheSettings } from './settings.ts';
import type { Lease } from './zone-contract.ts';

/** What the cache gives out. */
export interface Hit<V> {
  /** For {@link ResponseCache.take}. */
  readonly entry: CacheEntry<V>;
  readonly value: V;
  readonly kind: CacheKind;
  /** Whole seconds to count TTLs down by; 0 with `keepttl`. */
  readonly elapsed: number;
  /** Out of date: TTLs are {@link staleTtl}. */
  readonly stale: boolean;
  /** Whoever gets this asks the upstream and tells with `put` or `refreshFailed`; nobody else is told so meanwhile. */
  readonly refresh: boolean;
  /** Serve it only where the upstream, asked now, has nothing to say; tell with `countStale` (specification 12.9). */
  readonly verify: boolean;
}

/** Counts of specification 19. */
export interface CacheCounts {
  readonly entries: Readonly<Record<CacheKind, number>>;
  readonly hits: Readonly<Record<CacheKind, number>>;
  readonly misses: number;
  readonly prefetches: number;
  /** Answers that may not be kept. */
  readonly drops: number;
  readonly stale: number;
  readonly evictions: number;
}

/** Seconds, RFC 8767 4. */
export const staleTtl = 30;

/** The time a refresh has before somebody else may start one, should nobody tell how it went. */
const refreshMs = 10_000;

/**
 * Answers of upstreams (specification 12), for one server block. Generic in what an answer is: the engine keeps them
 * encoded. Keys hold all of 12.1; times are whole milliseconds of any one clock.
 */
export class ResponseCache<V> {
  readonly #settings: CacheSettings;
  readonly #index = new Map<string, CacheEntry<V>>();
  readonly #rooms: Readonly<Record<CacheKind, CacheRoom<V>>>;
  readonly #staleMs: number;
  readonly #verify: boolean;
  readonly #hits = { success: 0, denial: 0, servfail: 0 };
  #misses = 0;
  #prefetches = 0;
  #drops = 0;
  #stale = 0;
  #evictions = 0;

  constructor(settings: CacheSettings, random: (limit: number) => number) {
    const { success, denial, serveStale } = settings;
    this.#settings = settings;
    this.#staleMs = serveStale?.forMs ?? 0;
    this.#verify = serveStale?.mode === 'verify';
    this.#rooms = {
      success: new CacheRoom(success.capacity, random),
      denial: new CacheRoom(denial.capacity, random),
      servfail: new CacheRoom(denial.capacity, random),
    };
  }

  /** Whether answers for a name, in lower case, can be here at all. */
  covers(name: Name): boolean {
    return coversName(this.#settings, name);
  }

  /** The answer, or null where the upstream has to be asked. */
  get(key: string, now: number): Hit<V> | null {
    const entry = this.#index.get(key);
    if (entry === undefined) {
      this.#misses += 1;
      return null;
    }
    if (!entry.lease.live) return this.#miss(entry);
    if (now >= entry.freshUntil) return this.#getStale(entry, now);
    this.#countHit(entry, now);
    const { value, kind } = entry;
    const refresh = this.#shouldPrefetch(entry, now);
    return { entry, value, kind, elapsed: this.#elapsed(entry, now), stale: false, refresh, verify: false };
  }

  /**
   * What `get` gave, once more and without looking for it: the seconds to count TTLs down by. -1: `get` has to see to it,
   * since the entry is over, has given way or is near its end.
   */
  take(entry: CacheEntry<V>, now: number): number {
    if (!entry.held || !entry.lease.live || now >= entry.freshUntil || this.#isEnding(entry, now)) return -1;
    this.#countHit(entry, now);
    return this.#elapsed(entry, now);
  }

  /**
   * Remembers an answer for `ttl` seconds, which are those of {@link classify}; a `servfail` has a time of its own. A failure
   * never takes the place of an answer that is still good or may be served stale (RFC 8767 5). Gives whether it was taken.
   * What has a lease is our own: it is over when that ends, and never served stale, as what is right is at hand.
   */
  put(key: string, value: V, kind: CacheKind, ttl: number, name: Name, now: number, lease: Lease = permanent): boolean {
    const lifeMs = lifeOf(this.#settings, kind, ttl, name);
    const old = this.#index.get(key);
    if (old !== undefined && kind === 'servfail' && old.kind !== 'servfail' && now < old.deadAt) {
      this.refreshFailed(key, now);
      return false;
    }
    if (lifeMs <= 0) {
      this.drop(key, kind === 'servfail' ? rcode.SERVFAIL : rcode.NOERROR, now);
      return false;
    }
    const staleMs = kind === 'servfail' || lease !== permanent ? 0 : this.#staleMs;
    const freshUntil = now + lifeMs;
    const entry: CacheEntry<V> = {
      key,
      kind,
      value,
      storedAt: now,
      freshUntil,
      deadAt: freshUntil + staleMs,
      lease,
      held: true,
      slot: 0,
      used: false,
      asked: old?.asked ?? 0,
      askedAt: old?.askedAt ?? now,
      refreshUntil: 0,
    };
    this.#place(entry, old, now);
    return true;
  }

  /** A refresh led to no answer: the entry stays, and for the time of a failure nobody tries again. */
  refreshFailed(key: string, now: number): void {
    const entry = this.#index.get(key);
    if (entry !== undefined) entry.refreshUntil = now + this.#settings.servfailMs;
  }

  /** An answer given with `verify` was served after all. */
  countStale(): void {
    this.#stale += 1;
  }

  /** An answer came that may not be kept. What is remembered gives way to it, unless it was a failure. */
  drop(key: string, code: number, now: number): void {
    this.#drops += 1;
    const entry = this.#index.get(key);
    if (entry === undefined) return;
    if (code === rcode.NOERROR || code === rcode.NXDOMAIN) this.#forget(entry);
    else this.refreshFailed(key, now);
  }

  get counts(): CacheCounts {
    const { success, denial, servfail } = this.#rooms;
    return {
      entries: { success: success.size, denial: denial.size, servfail: servfail.size },
      hits: { ...this.#hits },
      misses: this.#misses,
      prefetches: this.#prefetches,
      drops: this.#drops,
      stale: this.#stale,
      evictions: this.#evictions,
    };
  }

  #getStale(entry: CacheEntry<V>, now: number): Hit<V> | null {
    if (now >= entry.deadAt) return this.#miss(entry);
    const { value, kind } = entry;
    // A refresh that is under way, or was in vain just now, is not started again.
    const refresh = now >= entry.refreshUntil;
    entry.used = true;
    if (this.#verify && refresh) {
      this.#misses += 1;
      return { entry, value, kind, elapsed: 0, stale: true, refresh: false, verify: true };
    }
    this.#hits[kind] += 1;
    this.#stale += 1;
    if (refresh) entry.refreshUntil = now + refreshMs;
    return { entry, value, kind, elapsed: 0, stale: true, refresh, verify: false };
  }

  #elapsed(entry: CacheEntry<V>, now: number): number {
    return this.#settings.keepTtl ? 0 : Math.floor((now - entry.storedAt) / 1000);
  }

  #miss(entry: CacheEntry<V>): null {
    this.#misses += 1;
    this.#forget(entry);
    return null;
  }

  #countHit(entry: CacheEntry<V>, now: number): void {
    const { prefetch } = this.#settings;
    entry.used = true;
    this.#hits[entry.kind] += 1;
    if (prefetch === null) return;
    entry.asked = now - entry.askedAt > prefetch.intervalMs ? 1 : entry.asked + 1;
    entry.askedAt = now;
  }

  /** Whether a new answer may be due before this one is over. */
  #isEnding({ kind, freshUntil, storedAt }: CacheEntry<V>, now: number): boolean {
    const { prefetch } = this.#settings;
    return prefetch !== null && kind !== 'servfail' && (freshUntil - now) * 100 <= (freshUntil - storedAt) * prefetch.percentage;
  }

  /** Specification 12.8: asked for often enough, and near its end. */
  #shouldPrefetch(entry: CacheEntry<V>, now: number): boolean {
    const { prefetch } = this.#settings;
    if (prefetch === null || !this.#isEnding(entry, now)) return false;
    if (entry.asked < prefetch.amount || now < entry.refreshUntil) return false;
    // Once for each time it is stored, whatever comes of it.
    entry.refreshUntil = Math.max(entry.freshUntil, now + refreshMs);
    this.#prefetches += 1;
    return true;
  }

  #place(entry: CacheEntry<V>, old: CacheEntry<V> | undefined, now: number): void {
    this.#index.set(entry.key, entry);
    if (old !== undefined) old.held = false;
    const room = this.#rooms[entry.kind];
    if (old?.kind === entry.kind) {
      room.replace(old, entry);
      return;
    }
    if (old !== undefined) this.#rooms[old.kind].remove(old);
    const victim = room.add(entry, now);
    if (victim === null) return;
    this.#index.delete(victim.key);
    victim.held = false;
    this.#evictions += 1;
  }

  #forget(entry: CacheEntry<V>): void {
    this.#index.delete(entry.key);
    entry.held = false;
    this.#rooms[entry.kind].remove(entry);
  }
}

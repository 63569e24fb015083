import { classify } from './cache-classify.ts';
import { capTtls } from './cache-life.ts';
import { ResponseCache, staleTtl } from './cache.ts';
import type { CacheCounts } from './cache.ts';
import type { CacheEntry } from './cache-entries.ts';
import { rcode } from './constants.ts';
import type { EncodedAnswer } from './encode-answer.ts';
import { lowerName } from './name.ts';
import type { Answer, ResourceRecord } from './record.ts';
import { permanent, resolveNow, settleTtls, unkept } from './resolution.ts';
import type { Request, Resolution, Term } from './resolution.ts';
import type { BlockCache } from './server-parts.ts';
import type { CacheSettings } from './settings.ts';

/** What the cache holds of an answer. */
interface Remembered {
  readonly answer: Answer;
  readonly authenticData: boolean;
  /** Encoded for its own name when it is first asked for again. */
  readonly memory: { encoded: EncodedAnswer | null };
}

/** The cache of a server block, with what it counted. */
export interface CountedCache extends BlockCache {
  readonly counts: CacheCounts;
}

/** Puts a cache into a server block. `now` gives milliseconds, `random` integers below its argument. */
export function createBlockCache(settings: CacheSettings, now: () => number, random: (below: number) => number): CountedCache {
  const cache = new ResponseCache<Remembered>(settings, random);
  const store = (request: Request, resolution: Resolution): Resolution | null => {
    const level = levelTtls(settleTtls(resolution));
    const verdict = classify({ ...level, truncated: resolution.truncated }, request.name, request.type);
    const key = keyOf(request);
    const at = Math.floor(now());
    if (verdict === null) {
      cache.drop(key, level.rcode, at);
      return null;
    }
    const answer = { ...level, ...capTtls(level, verdict, settings, request.name) };
    const memory = { encoded: null };
    const taken = cache.put(
      key,
      { answer, authenticData: resolution.authenticData, memory },
      verdict.kind,
      verdict.ttl,
      request.name,
      at,
      resolution.lease ?? permanent,
    );
    return taken ? { ...resolution, ...unkept, answer, memory } : null;
  };
  return {
    get counts() {
      return cache.counts;
    },
    covers: (request) => cache.covers(request.name),
    find(request) {
      if (!cache.covers(request.name)) return null;
      const hit = cache.get(keyOf(request), Math.floor(now()));
      if (hit === null) return null;
      const { answer, authenticData, memory } = hit.value;
      const resolution: Resolution = {
        ...resolveNow(answer, 'cache', hit.stale ? 'remembered, and out of date' : `remembered for ${hit.elapsed} s`),
        authenticData,
        elapsed: hit.elapsed,
        fixedTtl: hit.stale ? staleTtl : -1,
        memory,
        term: hit.stale ? null : new EntryTerm(cache, hit.entry, now),
      };
      return { resolution, refresh: hit.refresh, verify: hit.verify };
    },
    store,
    refreshed(request, resolution) {
      const { rcode: code } = resolution.answer;
      // The stages have stored what may be kept: it has a memory.
      if (resolution.memory !== null) return;
      if (code === rcode.NOERROR || code === rcode.NXDOMAIN) cache.drop(keyOf(request), code, Math.floor(now()));
      else cache.refreshFailed(keyOf(request), Math.floor(now()));
    },
    servedStale: () => cache.countStale(),
  };
}

class EntryTerm<V> implements Term {
  readonly #cache: ResponseCache<V>;
  readonly #entry: CacheEntry<V>;
  readonly #now: () => number;

  constructor(cache: ResponseCache<V>, entry: CacheEntry<V>, now: () => number) {
    this.#cache = cache;
    this.#entry = entry;
    this.#now = now;
  }

  get live(): boolean {
    return this.#entry.held && this.#entry.lease.live;
  }

  take(): number {
    return this.#cache.take(this.#entry, Math.floor(this.#now()));
  }
}

/** Name, type and what an upstream's answer depends on besides (specification 12.1). */
function keyOf({ name, type, dnssecOk, checkingDisabled }: Request): string {
  return name + String.fromCharCode(type, (dnssecOk ? 1 : 0) + (checkingDisabled ? 2 : 0));
}

/** The records of one set have one TTL, the smallest (RFC 2181 5.2): any may stand in any other's place in an answer. */
function levelTtls(answer: Answer): Answer {
  const least = new Map<string, number>();
  const setOf = ({ name, type }: ResourceRecord): string => `${type} ${lowerName(name)}`;
  for (const record of answer.answer) least.set(setOf(record), Math.min(record.ttl, least.get(setOf(record)) ?? record.ttl));
  return { ...answer, answer: answer.answer.map((record) => ({ ...record, ttl: least.get(setOf(record)) ?? record.ttl })) };
}

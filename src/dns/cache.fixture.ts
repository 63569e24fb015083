import type { CacheSettings } from './settings.ts';

/** Settings as shipped, but small. */
export function makeCacheSettings(over: Partial<CacheSettings> = {}): CacheSettings {
  return {
    zones: [],
    success: { capacity: 100, ttlCap: 3600, ttlFloor: 0 },
    denial: { capacity: 100, ttlCap: 1800, ttlFloor: 0 },
    servfailMs: 5000,
    disableSuccess: [],
    disableDenial: [],
    keepTtl: false,
    prefetch: null,
    serveStale: null,
    ...over,
  };
}

/** Numbers that look random and are the same in each run (Park and Miller). */
export function makeRandom(seed = 1): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state * 48_271) % 0x7fffffff;
    return state % limit;
  };
}

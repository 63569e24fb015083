import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ResponseCache } from './cache.ts';
import type { Hit } from './cache.ts';
import { makeCacheSettings, makeRandom } from './cache.fixture.ts';
import { rcode } from './constants.ts';
import { name } from './forward.fixture.ts';
import type { CacheSettings } from './settings.ts';

const www = name('www.example.com.');

function makeCache(over: Partial<CacheSettings> = {}): ResponseCache<string> {
  return new ResponseCache<string>(makeCacheSettings(over), makeRandom());
}

const small = { capacity: 10, ttlCap: 3600, ttlFloor: 0 };

describe('an answer that is remembered', () => {
  it('[DNS-102] is there until its TTL is over, with the seconds to count down by', () => {
    const cache = makeCache();
    expect(cache.get('k', 0)).toBeNull();
    cache.put('k', 'v', 'success', 3, www, 500);
    const seen = [500, 1499, 1500, 3499, 3500].map((now) => cache.get('k', now)?.elapsed ?? null);
    expect(seen).toEqual([0, 0, 1, 2, null]);
    expect(cache.get('k', 3500)).toBeNull();
    expect(cache.counts).toMatchObject({ hits: { success: 4, denial: 0, servfail: 0 }, misses: 3, entries: { success: 0 } });
  });

  it('[DNS-102] has nothing to do with other keys', () => {
    const cache = makeCache();
    cache.put('k', 'v', 'success', 3, www, 0);
    expect(cache.get('K', 0)).toBeNull();
    expect(cache.get('k', 0)).toMatchObject({
      value: 'v',
      kind: 'success',
      elapsed: 0,
      stale: false,
      refresh: false,
      verify: false,
    });
  });

  it('is given out again without being looked for, and counted, until it is over or gives way', () => {
    const cache = makeCache();
    const take = (now: number): number => {
      const entry = cache.get('k', 0)?.entry;
      return entry === undefined ? -2 : cache.take(entry, now);
    };
    cache.put('k', 'v', 'success', 3, www, 0);
    expect([0, 999, 1000, 2999, 3000].map(take)).toEqual([0, 0, 1, 2, -1]);
    expect(cache.counts.hits.success).toBe(9);
    const entry = cache.get('k', 0)?.entry;
    cache.put('k', 'w', 'success', 3, www, 1);
    expect(entry === undefined ? 0 : cache.take(entry, 2)).toBe(-1);
    expect(take(2)).toBe(0);
  });

  it('[DNS-109] is over with its lease, and never served stale where it has one', () => {
    const cache = makeCache({ serveStale: { forMs: 3_600_000, mode: 'immediate' } });
    const lease = { live: true };
    cache.put('k', 'v', 'success', 3, www, 0, lease);
    cache.put('l', 'v', 'success', 3, www, 0, { live: true });
    const entry = cache.get('k', 0)?.entry;
    lease.live = false;
    expect(entry === undefined ? 0 : cache.take(entry, 0)).toBe(-1);
    expect([cache.get('k', 0), cache.get('l', 2999)?.value, cache.get('l', 3000)]).toEqual([null, 'v', null]);
    expect(cache.counts).toMatchObject({ misses: 2, entries: { success: 0 }, stale: 0 });
  });

  it('counts nothing down with keepttl', () => {
    const cache = makeCache({ keepTtl: true });
    cache.put('k', 'v', 'success', 10, www, 0);
    expect(cache.get('k', 9000)?.elapsed).toBe(0);
    expect(cache.get('k', 10_000)).toBeNull();
  });

  it('[DNS-103] gives way to a newer one of any class', () => {
    const cache = makeCache();
    cache.put('k', 'found', 'success', 100, www, 0);
    cache.put('k', 'gone', 'denial', 10, www, 1);
    expect(cache.get('k', 2)).toMatchObject({ value: 'gone', kind: 'denial' });
    expect(cache.counts.entries).toEqual({ success: 0, denial: 1, servfail: 0 });
    cache.put('k', 'back', 'success', 10, www, 3);
    expect(cache.counts.entries).toEqual({ success: 1, denial: 0, servfail: 0 });
  });

  it('[DNS-104] a failure is remembered for 5 s and never in place of an answer', () => {
    const cache = makeCache();
    cache.put('f', 'failure', 'servfail', 0, www, 0);
    expect(cache.get('f', 4999)).toMatchObject({ kind: 'servfail', value: 'failure' });
    expect(cache.get('f', 5000)).toBeNull();
    cache.put('k', 'v', 'success', 10, www, 0);
    expect(cache.put('k', 'failure', 'servfail', 0, www, 1)).toBe(false);
    expect(cache.get('k', 2)?.value).toBe('v');
    cache.put('k', 'failure', 'servfail', 0, www, 10_000);
    expect(cache.get('k', 10_001)?.value).toBe('failure');
    cache.put('k', 'v', 'success', 10, www, 10_002);
    expect(cache.get('k', 10_003)?.value).toBe('v');
  });

  it('[DNS-107] is not kept with a TTL of 0, and then what was there is no longer true', () => {
    const cache = makeCache();
    cache.put('k', 'v', 'success', 10, www, 0);
    cache.put('k', 'w', 'success', 0, www, 1);
    expect(cache.get('k', 2)).toBeNull();
    cache.put('k', 'v', 'success', 10, www, 3);
    cache.drop('k', rcode.REFUSED, 4);
    expect(cache.get('k', 5)?.value).toBe('v');
    cache.drop('k', rcode.NXDOMAIN, 6);
    expect(cache.get('k', 7)).toBeNull();
    cache.drop('never', rcode.NOERROR, 8);
    expect(cache.counts.drops).toBe(4);
  });

  it('[DNS-109] is not kept for zones that are switched off', () => {
    const cache = makeCache({ disableSuccess: [name('cluster.local.')], disableDenial: [name('cluster.local.')] });
    for (const kind of ['success', 'denial'] as const) {
      cache.put('k', 'v', kind, 10, name('a.cluster.local.'), 0);
      expect(cache.get('k', 0)).toBeNull();
    }
    expect(cache.covers(name('a.cluster.local.'))).toBe(false);
    expect(cache.covers(www)).toBe(true);
    expect(cache.put('f', 'v', 'servfail', 0, name('a.cluster.local.'), 0)).toBe(false);
    expect(cache.put('k', 'v', 'success', 10, name('a.xcluster.local.'), 0)).toBe(true);
    expect(cache.get('k', 0)?.value).toBe('v');
  });
});

describe('room', () => {
  it('is bounded for each class, and a flood of denials and failures costs no answer', () => {
    const cache = makeCache({ success: small, denial: small });
    for (let index = 0; index < 10; index += 1) cache.put(`good${index}`, 'v', 'success', 3600, www, 0);
    for (let index = 0; index < 5000; index += 1) {
      cache.put(`bad${index}`, 'v', 'denial', 60, www, index);
      cache.put(`fail${index}`, 'v', 'servfail', 0, www, index);
    }
    expect(cache.counts).toMatchObject({ entries: { success: 10, denial: 10, servfail: 10 }, evictions: 9980 });
    for (let index = 0; index < 10; index += 1) expect(cache.get(`good${index}`, 5000)?.value).toBe('v');
  });

  it('is taken from those that nobody asks for, and first from those that are over', () => {
    const room = { capacity: 1000, ttlCap: 3600, ttlFloor: 0 };
    const cache = makeCache({ success: room });
    const popular = Array.from({ length: 50 }, (_, index) => `p${index}`);
    for (const key of popular) cache.put(key, 'v', 'success', 3600, www, 0);
    for (let index = 0; index < 10_000; index += 1) {
      cache.put(`r${index}`, 'v', 'success', 3600, www, index);
      cache.get(popular[index % 50] ?? '', index);
    }
    const left = popular.filter((key) => cache.get(key, 10_000) !== null);
    // Drawn blindly, each would be gone with a chance of 1 - e^-10.
    expect(left.length).toBeGreaterThan(25);
    const mixed = makeCache({ success: room });
    for (let index = 0; index < 1000; index += 1) mixed.put(`k${index}`, 'v', 'success', index % 2 === 0 ? 1 : 3600, www, 0);
    for (let index = 0; index < 100; index += 1) mixed.put(`n${index}`, 'v', 'success', 3600, www, 2000);
    const living = Array.from({ length: 500 }, (_, index) => mixed.get(`k${2 * index + 1}`, 2000)).filter((hit) => hit !== null);
    expect(living.length).toBeGreaterThan(480);
  });

  it('of size 0 keeps nothing', () => {
    const cache = makeCache({ success: { ...small, capacity: 0 }, denial: { ...small, capacity: 0 } });
    for (const kind of ['success', 'denial', 'servfail'] as const) cache.put('k', 'v', kind, 10, www, 0);
    expect(cache.get('k', 0)).toBeNull();
  });

  it('agrees with a plain model over random histories, apart from what was evicted', () => {
    const step = fc.record({
      key: fc.nat({ max: 12 }).map(String),
      kind: fc.constantFrom('success' as const, 'denial' as const, 'servfail' as const),
      ttl: fc.nat({ max: 4 }),
      wait: fc.nat({ max: 1500 }),
      action: fc.constantFrom('put' as const, 'get' as const),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 1000 }), (steps, seed) => {
        const settings = makeCacheSettings({
          success: { ...small, capacity: 4 },
          denial: { ...small, capacity: 4 },
          servfailMs: 2000,
        });
        const cache = new ResponseCache<number>(settings, makeRandom(seed));
        const model = new Map<string, { readonly value: number; readonly until: number }>();
        let now = 0;
        const wrong: unknown[] = [];
        for (const [index, { key, kind, ttl, wait, action }] of steps.entries()) {
          now += wait;
          const known = model.get(key);
          const before = cache.get(key, now);
          // An entry may have been evicted; what is there must be what was put there last, and not be over.
          if (before !== null && (before.value !== known?.value || now >= known.until)) wrong.push({ index, before, known });
          if (action === 'get') continue;
          cache.put(key, index, kind, ttl, www, now);
          const life = kind === 'servfail' ? 2000 : ttl * 1000;
          const stays = kind === 'servfail' && before !== null && before.kind !== 'servfail';
          if (!stays) model.set(key, { value: index, until: now + life });
          const { success, denial, servfail } = cache.counts.entries;
          if (Math.max(success, denial, servfail) > 4) wrong.push(cache.counts.entries);
        }
        expect(wrong).toEqual([]);
      }),
    );
  });
});

describe('prefetch', () => {
  const prefetch = { amount: 3, intervalMs: 60_000, percentage: 10 };

  it('tells once to refresh what is asked often and is near its end', () => {
    const cache = makeCache({ prefetch });
    cache.put('k', 'v', 'success', 100, www, 0);
    const told = [0, 1000, 2000, 89_000, 90_000, 91_000].map((now) => cache.get('k', now)?.refresh);
    // The pause between 2 s and 89 s is too long, so the count begins anew.
    expect(told).toEqual([false, false, false, false, false, true]);
    expect(cache.get('k', 92_000)?.refresh).toBe(false);
    expect(cache.counts.prefetches).toBe(1);
    cache.put('k', 'w', 'success', 100, www, 93_000);
    expect(cache.get('k', 93_000)).toMatchObject({ value: 'w', refresh: false });
  });

  it('leaves alone what is asked seldom, and failures', () => {
    const cache = makeCache({ prefetch });
    cache.put('k', 'v', 'success', 100, www, 0);
    expect([95_000, 96_000].map((now) => cache.get('k', now)?.refresh)).toEqual([false, false]);
    cache.put('f', 'v', 'servfail', 0, www, 0);
    expect([4900, 4950, 4960, 4970].map((now) => cache.get('f', now)?.refresh)).toEqual([false, false, false, false]);
  });

  it('tries again after a failure has had its time', () => {
    const cache = makeCache({ prefetch });
    cache.put('k', 'v', 'success', 1000, www, 0);
    const ask = (now: number): boolean | undefined => cache.get('k', now)?.refresh;
    expect([901_000, 902_000, 903_000].map(ask)).toEqual([false, false, true]);
    cache.put('k', 'failure', 'servfail', 0, www, 904_000);
    expect([905_000, 908_999, 909_000, 910_000].map(ask)).toEqual([false, false, true, false]);
  });
});

describe('stale answers', () => {
  const stale = (hit: Hit<string> | null): string =>
    hit === null
      ? 'miss'
      : `${hit.value}${hit.stale ? ' stale' : ''}${hit.refresh ? ' refresh' : ''}${hit.verify ? ' verify' : ''}`;

  it('are off by default', () => {
    const cache = makeCache();
    cache.put('k', 'v', 'success', 1, www, 0);
    expect(cache.get('k', 1000)).toBeNull();
  });

  it('are given at once while one asker refreshes, for an hour and no longer', () => {
    const cache = makeCache({ serveStale: { forMs: 3_600_000, mode: 'immediate' } });
    cache.put('k', 'v', 'success', 1, www, 0);
    expect([999, 1000, 1001].map((now) => stale(cache.get('k', now)))).toEqual(['v', 'v stale refresh', 'v stale']);
    cache.put('k', 'failure', 'servfail', 0, www, 2000);
    expect([2001, 6999, 7000, 7001].map((now) => stale(cache.get('k', now)))).toEqual([
      'v stale',
      'v stale',
      'v stale refresh',
      'v stale',
    ]);
    cache.refreshFailed('k', 8000);
    expect(stale(cache.get('k', 3_600_999))).toBe('v stale refresh');
    expect(stale(cache.get('k', 3_601_000))).toBe('miss');
    expect(cache.counts).toMatchObject({ stale: 7, entries: { success: 0 } });
  });

  it('are refreshed by somebody else when nobody told how a refresh went', () => {
    const cache = makeCache({ serveStale: { forMs: 3_600_000, mode: 'immediate' } });
    cache.put('k', 'v', 'success', 1, www, 0);
    expect([1000, 10_999, 11_000].map((now) => stale(cache.get('k', now)))).toEqual([
      'v stale refresh',
      'v stale',
      'v stale refresh',
    ]);
  });

  it('are given with verify only for want of better, and at once for the time of a failure', () => {
    const cache = makeCache({ serveStale: { forMs: 3_600_000, mode: 'verify' } });
    cache.put('k', 'v', 'success', 1, www, 0);
    expect([1000, 1001].map((now) => stale(cache.get('k', now)))).toEqual(['v stale verify', 'v stale verify']);
    expect(cache.counts).toMatchObject({ misses: 2, stale: 0 });
    cache.put('k', 'failure', 'servfail', 0, www, 2000);
    cache.countStale();
    expect([2001, 6999, 7000].map((now) => stale(cache.get('k', now)))).toEqual(['v stale', 'v stale', 'v stale verify']);
    expect(cache.counts.stale).toBe(3);
  });

  it('[DNS-103] NXDOMAIN takes their place, and an answer that may not be kept ends them', () => {
    const cache = makeCache({ serveStale: { forMs: 3_600_000, mode: 'immediate' } });
    cache.put('k', 'v', 'success', 1, www, 0);
    cache.put('k', 'gone', 'denial', 5, www, 2000);
    expect(stale(cache.get('k', 3000))).toBe('gone');
    cache.drop('k', rcode.NOERROR, 4000);
    expect(stale(cache.get('k', 4000))).toBe('miss');
  });
});

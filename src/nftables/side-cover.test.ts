import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { families, formatPrefix, prefixContains } from '../model/mod.ts';
import type { Prefix } from '../model/mod.ts';
import { Cover, prefixOfPart } from './side-cover.ts';
import { prefix, samplePrefixes } from './side-entries.fixture.ts';

/** Those that no other contains, found the plain way. */
function widest(all: readonly Prefix[]): string[] {
  const contains = (outer: Prefix, inner: Prefix): boolean => outer.length < inner.length && prefixContains(outer, inner.address);
  return all
    .filter((inner) => !all.some((outer) => contains(outer, inner)))
    .map(formatPrefix)
    .toSorted();
}

describe.each(families)('prefixes that may lie inside one another, %s', (family) => {
  it('shows those that no other contains, whatever came and went before', () => {
    fc.assert(
      fc.property(fc.array(samplePrefixes(family), { maxLength: 40 }), (toggled) => {
        const cover = new Cover();
        const present = new Map<string, Prefix>();
        const shown = new Set<string>();
        for (const one of toggled) {
          const key = formatPrefix(one);
          const change = present.has(key) ? cover.remove(one) : cover.add(one);
          if (!present.delete(key)) present.set(key, one);
          for (const hidden of change.hidden) expect(shown.delete(formatPrefix(hidden))).toBe(true);
          for (const fresh of change.shown) {
            expect(shown.has(formatPrefix(fresh))).toBe(false);
            shown.add(formatPrefix(fresh));
          }
          expect([...shown].toSorted()).toEqual(widest([...present.values()]));
          expect(
            [...present.values()]
              .filter((other) => cover.isShown(other))
              .map(formatPrefix)
              .toSorted(),
          ).toEqual([...shown].toSorted());
          expect(cover.isEmpty).toBe(present.size === 0);
        }
      }),
    );
  });
});

describe('a part of a key in a set of intervals', () => {
  it('is a prefix in whatever way it is written', () => {
    expect(prefixOfPart('10.0.0.1')).toEqual(prefix('10.0.0.1/32'));
    expect(prefixOfPart('fd00::1')).toEqual(prefix('fd00::1/128'));
    expect(prefixOfPart(prefix('10.0.0.0/8'))).toEqual(prefix('10.0.0.0/8'));
    expect(prefixOfPart({ from: '10.0.0.1', to: '10.0.0.1' })).toEqual(prefix('10.0.0.1/32'));
  });

  it('is none where it is another range or no address', () => {
    expect(prefixOfPart({ from: '10.0.0.1', to: '10.0.0.2' })).toBeNull();
    expect(prefixOfPart('eth0')).toBeNull();
    expect(prefixOfPart(7)).toBeNull();
    expect(prefixOfPart(undefined)).toBeNull();
  });
});

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Lookup } from '../model/mod.ts';
import { ShardedMap } from './store-map.ts';

function entriesOf(lookup: Lookup<number>): Map<string, number> {
  return new Map(lookup);
}

describe('ShardedMap', () => {
  it('equals a Map in every frozen state, also after later writes', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), key: fc.string({ maxLength: 2 }), value: fc.nat(9) }),
      fc.record({ kind: fc.constant('delete' as const), key: fc.string({ maxLength: 2 }), value: fc.constant(0) }),
      fc.record({ kind: fc.constant('freeze' as const), key: fc.constant(''), value: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const map = new ShardedMap<number>();
        const plain = new Map<string, number>();
        const states: (readonly [Lookup<number>, Map<string, number>])[] = [];
        for (const { kind, key, value } of steps) {
          if (kind === 'set') {
            map.set(key, value);
            plain.set(key, value);
          } else if (kind === 'delete') {
            map.delete(key);
            plain.delete(key);
          } else states.push([map.freeze(), new Map(plain)]);
          expect(map.get(key)).toBe(plain.get(key));
        }
        for (const [frozen, wanted] of states) {
          expect(entriesOf(frozen)).toEqual(wanted);
          expect(frozen.size).toBe(wanted.size);
          expect(new Set(frozen.keys())).toEqual(new Set(wanted.keys()));
          for (const [key, value] of wanted) expect(frozen.get(key)).toBe(value);
        }
      }),
    );
  });

  it('spreads the keys of a big cluster, so that a change copies little', () => {
    const map = new ShardedMap<number>();
    for (let index = 0; index < 20_000; index += 1) map.set(`namespace-${index % 50}/service-${index}`, index);
    const frozen = map.freeze();
    expect(frozen.size).toBe(20_000);
    const copied = copiedEntries(map, 'namespace-7/service-57');
    expect(copied).toBeGreaterThan(0);
    expect(copied).toBeLessThan(40);
    expect(frozen.get('namespace-7/service-57')).toBe(57);
  });
});

/** Entries that one write after a freeze copies: those written into a new Map. */
function copiedEntries(map: ShardedMap<number>, key: string): number {
  const original = globalThis.Map;
  let copied = 0;
  class CountingMap<K, V> extends original<K, V> {
    constructor(entries?: Iterable<readonly [K, V]> | null) {
      super(entries);
      copied += this.size;
    }
  }
  globalThis.Map = CountingMap as MapConstructor;
  try {
    map.set(key, -1);
  } finally {
    globalThis.Map = original;
  }
  return copied;
}

import { familyOf } from '../model/mod.ts';
import type { Address, AddressPool, Family } from '../model/mod.ts';
import { addressNumber, numberAddress, spanHolds, spansOf } from './pool-range.ts';
import type { Span } from './pool-range.ts';

interface Shelf {
  readonly pool: AddressPool;
  readonly spans: readonly Span[];
}

/** Where the search of a pool for addresses of one family has come to: what is before was not free. */
interface Cursor {
  span: number;
  next: bigint | null;
}

/** The pools, ready to be searched. The search goes on where it ended, so that one plan looks at no address twice. */
export class PoolShelf {
  readonly #shelves: readonly Shelf[];
  readonly #cursors = new Map<string, Cursor>();

  constructor(pools: readonly AddressPool[]) {
    this.#shelves = pools.map((pool) => ({ pool, spans: spansOf(pool) }));
  }

  has(name: string): boolean {
    return this.#shelves.some(({ pool }) => pool.name === name);
  }

  /** The first pool with this address, of all or of this name; null where there is none. */
  poolOf(address: Address, name: string | null): AddressPool | null {
    const family = familyOf(address);
    const number = addressNumber(address);
    const found = this.#shelves.find(
      ({ pool, spans }) => (name === null || pool.name === name) && spans.some((span) => spanHolds(span, family, number)),
    );
    return found?.pool ?? null;
  }

  /** The lowest free address of the named pool, or of the first with one that gives to everyone. */
  lowestFree(family: Family, name: string | null, isFree: (address: Address) => boolean): Address | null {
    for (const [index, { pool, spans }] of this.#shelves.entries()) {
      if (name === null ? !pool.autoAssign : pool.name !== name) continue;
      const address = this.#search(`${index} ${family}`, spans, family, isFree);
      if (address !== null) return address;
    }
    return null;
  }

  #search(key: string, spans: readonly Span[], family: Family, isFree: (address: Address) => boolean): Address | null {
    const cursor = this.#cursors.get(key) ?? { span: 0, next: null };
    this.#cursors.set(key, cursor);
    for (; cursor.span < spans.length; cursor.span += 1, cursor.next = null) {
      const span = spans[cursor.span];
      if (span === undefined || span.family !== family) continue;
      for (let number = cursor.next ?? span.first; number <= span.last; number += 1n) {
        cursor.next = number;
        const address = numberAddress(family, number);
        if (isFree(address)) return address;
      }
      cursor.next = span.last + 1n;
    }
    return null;
  }
}

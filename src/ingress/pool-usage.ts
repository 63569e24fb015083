import { families, familyOf } from '../model/mod.ts';
import type { Address, AddressPool, Family } from '../model/mod.ts';
import { addressNumber, countAddresses, spanHolds, spansOf } from './pool-range.ts';

/** How full a pool is; for metrics. */
export interface PoolUsage {
  readonly pool: string;
  readonly family: Family;
  readonly used: number;
  /** As near as a number comes to it: an IPv6 pool may have 2^64. */
  readonly free: number;
}

/** A row for each pool and family it has addresses of. An address that several Services share counts once. */
export function measurePools(pools: readonly AddressPool[], inUse: Iterable<Address>): readonly PoolUsage[] {
  const addresses = [...new Set(inUse)].map((address) => ({ family: familyOf(address), number: addressNumber(address) }));
  return pools.flatMap((pool) => {
    const spans = spansOf(pool);
    return families.flatMap((family) => {
      const total = countAddresses(spans, family);
      if (total === 0n) return [];
      const used = addresses.filter((one) => one.family === family && spans.some((span) => spanHolds(span, family, one.number)));
      return [{ pool: pool.name, family, used: used.length, free: Number(total - BigInt(used.length)) }];
    });
  });
}

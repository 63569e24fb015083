import { familyOf, parsePrefix } from '../model/mod.ts';
import type { Address, Prefix } from '../model/mod.ts';

/** Address ranges that can be asked for an address, at a cost that grows with their different lengths, not their number. */
export interface PrefixSet {
  readonly size: number;
  has(address: Address): boolean;
}

export function collectPrefixes(prefixes: Iterable<Prefix>): PrefixSet {
  const known = new Set<string>();
  const lengths = { IPv4: new Set<number>(), IPv6: new Set<number>() };
  for (const { family, address, length } of prefixes) {
    known.add(`${address}/${length}`);
    lengths[family].add(length);
  }
  const holds = (address: Address, length: number): boolean => {
    const range = parsePrefix(`${address}/${length}`);
    return range !== null && known.has(`${range.address}/${length}`);
  };
  return {
    size: known.size,
    has: (address) => [...lengths[familyOf(address)]].some((length) => holds(address, length)),
  };
}

import { parseAddressRange, rangesOverlap } from './address-range.ts';
import type { AddressRange } from './address-range.ts';
import { isObjectName } from './checks.ts';

/** Addresses to hand out, as an operator wrote them: CIDRs, or first and last with `-` between. */
export interface PoolText {
  readonly name: string;
  readonly addresses: readonly string[];
}

const maxPools = 64;
const maxRanges = 256;

/** The form that flags have: `name=range+range`. Null where the text is none; the ranges are not looked at. */
export function parsePool(text: string): PoolText | null {
  const [, name, ranges] = /^([^=+]+)=([^=]+)$/.exec(text) ?? [];
  if (name === undefined || ranges === undefined) return null;
  return { name: name.trim(), addresses: ranges.split('+').map((range) => range.trim()) };
}

/** The text that {@link parsePool} reads as this pool. */
export function formatPool({ name, addresses }: PoolText): string {
  return `${name}=${addresses.join('+')}`;
}

/** A check for lists of pools: names are names and differ, and no address is there twice. */
export function arePools(pools: readonly PoolText[]): string | null {
  if (pools.length > maxPools) return `must hold at most ${maxPools} pools`;
  const names = pools.map(({ name }) => name);
  const bad = names.find((name, at) => isObjectName(name) !== null || names.indexOf(name) !== at);
  if (bad !== undefined) return `must give each pool a name of its own in lower case (${JSON.stringify(bad)} is none)`;
  const empty = pools.find(({ addresses }) => addresses.length === 0);
  if (empty !== undefined) return `must give each pool addresses (${empty.name} has none)`;
  return areRanges(pools.flatMap(({ addresses }) => addresses));
}

function areRanges(texts: readonly string[]): string | null {
  if (texts.length > maxRanges) return `must hold at most ${maxRanges} ranges`;
  const seen: (readonly [string, AddressRange])[] = [];
  for (const text of texts) {
    const range = parseAddressRange(text);
    if (range === null) return `must hold CIDRs, or first and last address with - between (${text} is neither)`;
    const other = seen.find(([, earlier]) => rangesOverlap(earlier, range));
    if (other !== undefined) return `must hold no address twice (${text} and ${other[0]} share some)`;
    seen.push([text, range]);
  }
  return null;
}

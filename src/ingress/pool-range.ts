import { addressBits, addressBytes, familyOf, formatAddress } from '../model/mod.ts';
import type { Address, AddressPool, AddressRange, Family, Prefix } from '../model/mod.ts';

/** Addresses of one family as numbers, both ends included. */
export interface Span {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
}

/** What a pool gives out, in the order it is given. Ranges that end before they begin, or mix families, give nothing. */
export function spansOf(pool: AddressPool): readonly Span[] {
  return pool.addresses.flatMap((part) => {
    const span = 'length' in part ? spanOfPrefix(part) : spanOfRange(part);
    return span === null || span.last < span.first ? [] : [span];
  });
}

export function spanHolds(span: Span, family: Family, number: bigint): boolean {
  return span.family === family && number >= span.first && number <= span.last;
}

/** How many addresses of a family the spans have; one that is in two of them counts once. */
export function countAddresses(spans: readonly Span[], family: Family): bigint {
  let total = 0n;
  let end = -1n;
  const ordered = spans.filter((span) => span.family === family).toSorted((a, b) => (a.first < b.first ? -1 : 1));
  for (const { first, last } of ordered) {
    const from = first > end ? first : end + 1n;
    if (last < from) continue;
    total += last - from + 1n;
    end = last;
  }
  return total;
}

/** The address as a number of 32 or 128 bits. */
export function addressNumber(address: Address): bigint {
  let number = 0n;
  for (const byte of addressBytes(address)) number = (number << 8n) | BigInt(byte);
  return number;
}

export function numberAddress(family: Family, number: bigint): Address {
  const bytes = new Uint8Array(addressBits(family) / 8);
  let rest = number;
  for (let at = bytes.length - 1; at >= 0; at -= 1) {
    bytes[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return formatAddress(bytes);
}

function spanOfPrefix({ family, address, length }: Prefix): Span {
  const hostBits = addressBits(family) - length;
  const first = addressNumber(address);
  const last = first + (1n << BigInt(hostBits)) - 1n;
  // Two addresses, as between two routers (RFC 3021, RFC 6164), or one are used in full.
  if (hostBits < 2) return { family, first, last };
  return { family, first: first + 1n, last: family === 'IPv4' ? last - 1n : last };
}

function spanOfRange({ first, last }: AddressRange): Span | null {
  const family = familyOf(first);
  return familyOf(last) === family ? { family, first: addressNumber(first), last: addressNumber(last) } : null;
}

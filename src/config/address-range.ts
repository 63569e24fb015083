import { addressBits, addressBytes, familyOf, formatAddress, parseAddress, parsePrefix, prefixContains } from '../model/mod.ts';
import type { Address, Family, Prefix } from '../model/mod.ts';

/** Addresses of one family, both ends included. */
export interface AddressRange {
  readonly family: Family;
  readonly first: Address;
  readonly last: Address;
}

/** Reads a CIDR, or two addresses with `-` between; null for anything else, and where the first comes after the last. */
export function parseAddressRange(text: string): AddressRange | null {
  const prefix = parsePrefix(text);
  if (prefix !== null) return { family: prefix.family, first: prefix.address, last: lastOf(prefix) };
  const [from = '', to = '', ...rest] = text.split('-').map((part) => part.trim());
  const first = parseAddress(from);
  const last = parseAddress(to);
  if (first === null || last === null || rest.length > 0 || familyOf(first) !== familyOf(last)) return null;
  return compareAddresses(first, last) > 0 ? null : { family: familyOf(first), first, last };
}

/** True if an address is in both. */
export function rangesOverlap(a: AddressRange, b: AddressRange): boolean {
  return a.family === b.family && compareAddresses(a.first, b.last) <= 0 && compareAddresses(b.first, a.last) <= 0;
}

/** True if each address of the range is in one of the prefixes, which may be different ones. */
export function prefixesCover(prefixes: readonly Prefix[], { first, last }: AddressRange): boolean {
  let next: Address | null = first;
  while (next !== null) {
    const from: Address = next;
    const prefix = prefixes.find((each) => prefixContains(each, from));
    if (prefix === undefined) return false;
    const end = lastOf(prefix);
    if (compareAddresses(end, last) >= 0) return true;
    next = followerOf(end);
  }
  return false;
}

/** The highest address of a prefix. */
function lastOf({ address, length, family }: Prefix): Address {
  const bytes = addressBytes(address);
  for (let bit = length; bit < addressBits(family); bit += 1) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return formatAddress(bytes);
}

/** The address after this one; null after the highest of the family. */
function followerOf(address: Address): Address | null {
  const bytes = addressBytes(address);
  for (let at = bytes.length - 1; at >= 0; at -= 1) {
    const value = ((bytes[at] ?? 0) + 1) & 0xff;
    bytes[at] = value;
    if (value !== 0) return formatAddress(bytes);
  }
  return null;
}

/** Of one family: negative, zero or positive, as the numbers that they are. */
function compareAddresses(a: Address, b: Address): number {
  const others = addressBytes(b);
  for (const [at, byte] of addressBytes(a).entries()) {
    const difference = byte - (others[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

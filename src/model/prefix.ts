import { addressBytes, familyOf, formatAddress, parseAddress } from './address.ts';
import type { Address } from './address.ts';
import type { Family } from './family.ts';

/** An address range: host bits are zero, `length` counts leading bits (0-32 or 0-128). */
export interface Prefix {
  readonly family: Family;
  readonly address: Address;
  readonly length: number;
}

/**
 * Reads `address/length` the tolerant way (Go's `ParseCIDRSloppy`): leading zeros are decimal, host
 * bits are masked off, an IPv4-mapped prefix of at least 96 bits is the IPv4 prefix.
 * Returns null for anything else, a bare address included.
 */
export function parsePrefix(text: string): Prefix | null {
  const slash = text.indexOf('/');
  const lengthText = text.slice(slash + 1);
  if (slash < 0 || !/^[0-9]+$/.test(lengthText)) return null;
  const address = parseAddress(text.slice(0, slash));
  if (address === null) return null;
  const family = familyOf(address);
  const mapped = family === 'IPv4' && text.slice(0, slash).includes(':');
  const length = Number(lengthText) - (mapped ? 96 : 0);
  if (length < 0 || length > addressBits(family)) return null;
  return { family, address: formatAddress(maskBytes(addressBytes(address), length)), length };
}

/** The prefix that holds just this address. */
export function hostPrefix(address: Address): Prefix {
  const family = familyOf(address);
  return { family, address, length: addressBits(family) };
}

/** `address/length`. */
export function formatPrefix(prefix: Prefix): string {
  return `${prefix.address}/${prefix.length}`;
}

/** True if the address is of the prefix's family and inside it. */
export function prefixContains(prefix: Prefix, address: Address): boolean {
  if (familyOf(address) !== prefix.family) return false;
  return formatAddress(maskBytes(addressBytes(address), prefix.length)) === prefix.address;
}

/** The first of those with the longest prefix that the address is inside; null: it is inside none. */
export function findLongest<T extends { readonly destination: Prefix }>(routes: readonly T[], address: Address): T | null {
  let best: T | null = null;
  for (const route of routes) {
    const longer = best === null || route.destination.length > best.destination.length;
    if (longer && covers(route.destination, address)) best = route;
  }
  return best;
}

/** A node may have tens of thousands of routes to single addresses. */
function covers(prefix: Prefix, address: Address): boolean {
  return prefix.length === addressBits(prefix.family) ? prefix.address === address : prefixContains(prefix, address);
}

/** 32 or 128. */
export function addressBits(family: Family): number {
  return family === 'IPv4' ? 32 : 128;
}

function maskBytes(bytes: Uint8Array, length: number): Uint8Array {
  return bytes.map((byte, index) => byte & (0xff00 >> Math.min(8, Math.max(0, length - index * 8))));
}

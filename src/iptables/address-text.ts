import { addressBits, addressBytes, familyOf, formatAddress, parseAddress } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';
import type { AddressMatch } from './rule.ts';

/**
 * The address as `iptables-save` prints it: glibc's `inet_ntop`, which differs from RFC 5952 in
 * writing `::a.b.c.d` where only the last 32 bits are used and the upper half of them is not zero.
 */
export function printAddress(address: Address): string {
  if (!address.startsWith('::')) return address;
  if (!/^::[0-9a-f]{1,4}:[0-9a-f]{1,4}$/.test(address)) return address;
  return `::${addressBytes(address).subarray(12).join('.')}`;
}

/**
 * `address/length` or `address/mask`, host bits cleared; null for a match of every address. Throws a
 * TypeError for a mask that leaves an IPv4-mapped IPv6 address.
 */
export function printAddressMatch(match: AddressMatch): string | null {
  const cleared = clearHostBits(match);
  if (cleared === null) throw new TypeError(`not an IPv6 address once masked: ${match.address}/${match.mask}`);
  const { address, mask } = cleared;
  if (mask === 0 && !match.not) return null;
  return `${printAddress(address)}/${typeof mask === 'number' ? mask : printAddress(mask)}`;
}

/**
 * Reads `address`, `address/length` or `address/mask`, in any spelling, into the form `save` prints:
 * host bits cleared, a contiguous mask as a length. Null for host names and for IPv6 addresses that map
 * IPv4 ones, which `Address` cannot tell from IPv4.
 */
export function parseAddressMatch(text: string, not: boolean): AddressMatch | null {
  const slash = text.indexOf('/');
  const addressText = slash < 0 ? text : text.slice(0, slash);
  const address = parseAddress(addressText);
  if (address === null || address.includes(':') !== addressText.includes(':')) return null;
  const bits = addressBits(familyOf(address));
  if (slash < 0) return { address, mask: bits, not };
  const maskText = text.slice(slash + 1);
  if (/^[0-9]{1,3}$/.test(maskText)) {
    const length = Number(maskText);
    if (length > bits) return null;
    return length === bits ? { address, mask: bits, not } : clearHostBits({ address, mask: length, not });
  }
  const mask = parseAddress(maskText);
  if (mask === null || familyOf(mask) !== familyOf(address)) return null;
  return clearHostBits({ address, mask, not });
}

/** True if the address is inside the match's mask, inversion left aside. */
export function coversAddress(match: AddressMatch, address: Address): boolean {
  if (familyOf(match.address) !== familyOf(address)) return false;
  const mask = maskBytes(match);
  const wanted = addressBytes(match.address);
  return addressBytes(address).every((byte, index) => ((byte ^ (wanted[index] ?? 0)) & (mask[index] ?? 0)) === 0);
}

/** Null where what is left of an IPv6 address maps an IPv4 one, which `Address` would confuse with it. */
function clearHostBits(match: AddressMatch): AddressMatch | null {
  const bits = addressBits(familyOf(match.address));
  if (match.mask === bits) return match;
  const mask = maskBytes(match);
  const address = formatAddress(addressBytes(match.address).map((byte, index) => byte & (mask[index] ?? 0)));
  if (familyOf(address) !== familyOf(match.address)) return null;
  return { address, mask: prefixLength(mask) ?? match.mask, not: match.not };
}

function maskBytes(match: AddressMatch): Uint8Array {
  const { mask } = match;
  if (typeof mask !== 'number') return addressBytes(mask);
  const bytes = new Uint8Array(addressBits(familyOf(match.address)) / 8);
  return bytes.map((_, index) => 0xff & (0xff00 >> Math.min(8, Math.max(0, mask - index * 8))));
}

/** The length of a contiguous mask, or null. */
function prefixLength(mask: Uint8Array): number | null {
  let length = 0;
  let ended = false;
  for (const byte of mask) {
    for (let bit = 0x80; bit > 0; bit >>= 1) {
      if ((byte & bit) === 0) ended = true;
      else if (ended) return null;
      else length += 1;
    }
  }
  return length;
}

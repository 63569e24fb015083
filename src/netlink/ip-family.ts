import { familyOf, formatAddress } from '../model/mod.ts';
import type { Address, Family } from '../model/mod.ts';
import { bytesOf } from './bytes.ts';

/** `AF_INET` and `AF_INET6`. */
export const familyNumbers: Readonly<Record<Family, number>> = { IPv4: 2, IPv6: 10 };

/**
 * The address between two offsets. Null where the bytes are none of the family, and for an IPv4 address in IPv6 clothes:
 * it could not be written back as it was.
 */
export function readAddressAt(view: DataView, start: number, end: number, family: Family): Address | null {
  if (end - start !== (family === 'IPv4' ? 4 : 16)) return null;
  const address = formatAddress(bytesOf(view, start, end));
  return familyOf(address) === family ? address : null;
}

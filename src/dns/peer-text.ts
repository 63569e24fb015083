import { formatAddress } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';
import type { Peer } from './listen-contract.ts';

/** The address of a peer; one of IPv4 that an IPv6 socket maps is given as what it is. */
export function textOf({ buffer, offset, octets }: Peer): Address {
  return formatAddress(buffer.subarray(offset, offset + octets));
}

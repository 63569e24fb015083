import { recordType } from './constants.ts';

/** A part of RDATA: a name, a count of octets, a character string with its length, or all that is left. */
export type RdataPart = 'name' | 'string' | 'rest' | number;

/**
 * Types whose RDATA holds names that senders compress (RFC 1035, and those of RFC 3597 section 4 that receivers must still
 * expand). All other RDATA is opaque.
 */
const layouts: ReadonlyMap<number, readonly RdataPart[]> = new Map<number, readonly RdataPart[]>([
  [recordType.A, [4]],
  [recordType.AAAA, [16]],
  [recordType.NS, ['name']],
  [3, ['name']],
  [4, ['name']],
  [recordType.CNAME, ['name']],
  [recordType.SOA, ['name', 'name', 20]],
  [7, ['name']],
  [8, ['name']],
  [9, ['name']],
  [recordType.PTR, ['name']],
  [14, ['name', 'name']],
  [recordType.MX, [2, 'name']],
  [17, ['name', 'name']],
  [18, [2, 'name']],
  [21, [2, 'name']],
  [26, [2, 'name', 'name']],
  [recordType.SRV, [6, 'name']],
  [recordType.NAPTR, [4, 'string', 'string', 'string', 'name']],
  [36, [2, 'name']],
  [recordType.DNAME, ['name']],
]);

const opaque: readonly RdataPart[] = ['rest'];

/** How the RDATA of a type is made up. */
export function layoutOf(type: number): readonly RdataPart[] {
  return layouts.get(type) ?? opaque;
}

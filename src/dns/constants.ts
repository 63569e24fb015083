/** Numbers of record types that code speaks of by name (IANA registry of DNS parameters). */
export const recordType = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  NAPTR: 35,
  DNAME: 39,
  OPT: 41,
  DS: 43,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  SVCB: 64,
  HTTPS: 65,
  TKEY: 249,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  CAA: 257,
} as const;

/** Response codes, RFC 6895 2.3. Those above 15 need an OPT record. */
export const rcode = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;

/** The class of the Internet, RFC 1035 3.2.4. */
export const classIn = 1;

const typeNames: ReadonlyMap<number, string> = new Map(Object.entries(recordType).map(([name, number]) => [number, name]));
const rcodeNames: ReadonlyMap<number, string> = new Map(Object.entries(rcode).map(([name, number]) => [number, name]));

/** `A`, or `TYPE65280` for a type without a name here (RFC 3597 5). */
export function formatType(type: number): string {
  return typeNames.get(type) ?? `TYPE${type}`;
}

/** The number of a type by name or as `TYPE123`, in any case; null for anything else. */
export function parseType(text: string): number | null {
  const upper = text.toUpperCase();
  if (Object.hasOwn(recordType, upper)) return recordType[upper as keyof typeof recordType];
  const number = /^TYPE(\d{1,5})$/.exec(upper)?.[1];
  return number !== undefined && Number(number) <= 0xffff ? Number(number) : null;
}

/** `NXDOMAIN`, or `RCODE11` for a code without a name here. */
export function formatRcode(code: number): string {
  return rcodeNames.get(code) ?? `RCODE${code}`;
}

/** The number of a response code by name, in any case; null for anything else. */
export function parseRcode(text: string): number | null {
  const upper = text.toUpperCase();
  return Object.hasOwn(rcode, upper) ? rcode[upper as keyof typeof rcode] : null;
}

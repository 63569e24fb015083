import type { CacheKind } from './cache-entries.ts';
import { rcode, recordType } from './constants.ts';
import { isWithin, lowerName } from './name.ts';
import type { Name } from './name.ts';
import { latin1 } from './read-name.ts';
import type { ResourceRecord } from './record.ts';

export interface CacheVerdict {
  readonly kind: CacheKind;
  /** Seconds, before any cap; 0 for `servfail`, whose time is configured. */
  readonly ttl: number;
}

/** What is looked at of an answer. */
export interface Keepable {
  readonly rcode: number;
  readonly truncated: boolean;
  readonly answer: readonly ResourceRecord[];
  readonly authority: readonly ResourceRecord[];
}

const mostLinks = 64;

/** Types that are asked for and are no type of a record: transfers, ANY, and those of RFC 6895 3.1 that are only about a message. */
function isMeta(type: number): boolean {
  return type === 0 || type === recordType.OPT || (type >= 128 && type <= 255) || type === 0xffff;
}

/**
 * How an answer may be remembered (specification 12.2, 12.3). Null, not at all: cut off, a TTL of 0, a denial without the SOA
 * that says for how long, or with one that is of another place (RFC 2308 5), other response codes, types of messages.
 * `name` in lower case.
 */
export function classify(result: Keepable, name: Name, type: number): CacheVerdict | null {
  if (result.truncated || isMeta(type)) return null;
  if (result.rcode === rcode.SERVFAIL) return { kind: 'servfail', ttl: 0 };
  if (result.rcode !== rcode.NOERROR && result.rcode !== rcode.NXDOMAIN) return null;
  const end = endOfChain(result.answer, name, type);
  const answered = result.rcode === rcode.NOERROR && end.hasType;
  const denial = answered ? null : denialTtl(result.authority, end.name);
  if (!answered && denial === null) return null;
  const ttl = Math.min(leastTtl(result.answer), denial ?? Number.POSITIVE_INFINITY);
  return ttl > 0 ? { kind: answered ? 'success' : 'denial', ttl } : null;
}

/** The smaller of the SOA's TTL and its minimum (RFC 2308 5); null without an SOA of a zone that the name is in. */
function denialTtl(authority: readonly ResourceRecord[], name: Name): number | null {
  const soa = authority.find(({ type }) => type === recordType.SOA);
  if (soa === undefined || soa.data.length < 22 || !isWithin(name, lowerName(soa.name))) return null;
  const { buffer, byteOffset, length } = soa.data;
  return Math.min(soa.ttl, new DataView(buffer, byteOffset, length).getUint32(length - 4));
}

function leastTtl(records: readonly ResourceRecord[]): number {
  return records.reduce((least, { ttl }) => Math.min(least, ttl), Number.POSITIVE_INFINITY);
}

/** Where the CNAMEs lead, and whether what was asked for is there. */
function endOfChain(
  answer: readonly ResourceRecord[],
  name: Name,
  type: number,
): { readonly name: Name; readonly hasType: boolean } {
  const links = new Map<Name, Name>();
  const having = new Set<Name>();
  for (const record of answer) {
    const owner = lowerName(record.name);
    if (record.type === type) having.add(owner);
    else if (record.type === recordType.CNAME) links.set(owner, lowerName(latin1(record.data, 0, record.data.length)));
  }
  let current = name;
  for (let link = 0; link < mostLinks && !having.has(current); link += 1) {
    const next = links.get(current);
    if (next === undefined) break;
    current = next;
  }
  return { name: current, hasType: having.has(current) };
}

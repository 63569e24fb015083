import { classIn, rcode, recordType } from './constants.ts';
import { latin1, readName } from './read-name.ts';
import type { Name } from './name.ts';

/** What {@link readQuery} found besides the codes of {@link rcode}. */
export const queryVerdict = { fine: 0, drop: -1 } as const;

/**
 * The question of a message. One object is used for all messages of a thread, so that nothing is allocated for each;
 * what is needed beyond the answer has to be copied.
 */
export class Query {
  /** The message lies in `bytes`, from `start`. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  id = 0;
  /** The second 16 bits of the header, as they came. */
  flags = 0;
  type = 0;
  class = 0;
  /** Octets of the name as it stands in the message, its root included. 0 where the question could not be read. */
  nameLength = 0;
  /** Number of labels without the root. */
  labels = 0;
  hasOpt = false;
  dnssecOk = false;
  /** 512 at least. */
  udpSize = 512;
  /** The name in lower case; `nameLength` octets. */
  readonly lower: Buffer = Buffer.alloc(256);
  /** Of the name in lower case. */
  hash = 0;

  get opcode(): number {
    return (this.flags >> 11) & 15;
  }

  get checkingDisabled(): boolean {
    return (this.flags & 0x0010) !== 0;
  }

  /** The name in lower case, as text. */
  get name(): Name {
    return this.lower.toString('latin1', 0, this.nameLength);
  }

  /** What a later reply needs of this question, which itself is used for the next one meanwhile. */
  copy(): Query {
    const copy = new Query();
    const end = this.nameLength === 0 ? 12 : 12 + this.nameLength + 4;
    copy.bytes = new Uint8Array(this.bytes.subarray(this.start, this.start + end));
    copy.id = this.id;
    copy.flags = this.flags;
    copy.type = this.type;
    copy.class = this.class;
    copy.nameLength = this.nameLength;
    copy.labels = this.labels;
    copy.hasOpt = this.hasOpt;
    copy.dnssecOk = this.dnssecOk;
    copy.udpSize = this.udpSize;
    copy.hash = this.hash;
    this.lower.copy(copy.lower, 0, 0, this.nameLength);
    return copy;
  }

  /** The name as it was spelled. */
  get spelledName(): Name {
    return latin1(this.bytes, this.start + 12, this.start + 12 + this.nameLength);
  }
}

/** Names of different processes shall not collide alike; any odd number does. */
let seed = 0x811c9dc5;

/** Sets where hashing starts, so that a sender cannot know which names share a place. */
export function seedHash(value: number): void {
  seed = value | 1;
}

/** Types that are no question for data (specification 6.11). */
const malformedTypes: ReadonlySet<number> = new Set([0, recordType.OPT, recordType.TSIG, 65_535]);
const refusedTypes: ReadonlySet<number> = new Set([recordType.AXFR, recordType.IXFR]);
const unsupportedTypes: ReadonlySet<number> = new Set([recordType.TKEY, 253, 254]);

/**
 * Reads a question into `query`. 0: it can be answered; {@link queryVerdict}`.drop`: no reply at all; anything else is the
 * code to refuse it with, along with as much of the question as could be read (specification 6.5 to 6.11, 7.2, 7.4).
 */
export function readQuery(query: Query, bytes: Uint8Array, start: number, length: number): number {
  query.bytes = bytes;
  query.start = start;
  query.nameLength = 0;
  query.hasOpt = false;
  query.dnssecOk = false;
  query.udpSize = 512;
  if (length < 12 || ((bytes[start + 2] ?? 0) & 0x80) !== 0) return queryVerdict.drop;
  query.id = u16(bytes, start);
  query.flags = u16(bytes, start + 2);
  const broken = readSections(query, bytes, start, start + length);
  if ((query.flags & 0x7800) !== 0) return rcode.NOTIMP;
  if (broken !== 0) return broken;
  if (query.class !== classIn) return rcode.REFUSED;
  // The rare types are all at the ends of the range.
  if (query.type < recordType.OPT && query.type !== 0) return queryVerdict.fine;
  if (malformedTypes.has(query.type)) return rcode.FORMERR;
  if (refusedTypes.has(query.type)) return rcode.REFUSED;
  return unsupportedTypes.has(query.type) ? rcode.NOTIMP : queryVerdict.fine;
}

function readSections(query: Query, bytes: Uint8Array, start: number, end: number): number {
  const records = u16(bytes, start + 6);
  const authority = u16(bytes, start + 8);
  const additional = u16(bytes, start + 10);
  if (u16(bytes, start + 4) !== 1 || records > 1 || authority > 1 || additional > 2) return rcode.FORMERR;
  const behind = readQuestion(query, bytes, start, end);
  if (behind < 0) return rcode.FORMERR;
  if (records + authority + additional === 0) return 0;
  return readRecords(query, bytes, start, end, behind, records + authority, additional);
}

/** The end of the question, or -1. A question has nothing to point back to, so a pointer in it is malformed. */
function readQuestion(query: Query, bytes: Uint8Array, start: number, end: number): number {
  const { lower } = query;
  let hash = seed;
  let at = start + 12;
  let to = 0;
  let labels = 0;
  for (;;) {
    if (at >= end) return -1;
    let left = bytes[at] ?? 0;
    if (left > 63 || to + left > 254) return -1;
    lower[to] = left;
    hash = Math.imul(hash ^ left, 0x01000193);
    at += 1;
    to += 1;
    if (left === 0) break;
    labels += 1;
    if (at + left > end) return -1;
    while (left > 0) {
      let octet = bytes[at] ?? 0;
      if (octet >= 0x41 && octet <= 0x5a) octet += 0x20;
      lower[to] = octet;
      hash = Math.imul(hash ^ octet, 0x01000193);
      at += 1;
      to += 1;
      left -= 1;
    }
  }
  if (at + 4 > end) return -1;
  query.nameLength = to;
  query.labels = labels;
  query.hash = hash;
  query.type = u16(bytes, at);
  query.class = u16(bytes, at + 2);
  return at + 4;
}

function readRecords(
  query: Query,
  bytes: Uint8Array,
  start: number,
  end: number,
  from: number,
  before: number,
  additional: number,
): number {
  let at = from;
  let version = 0;
  for (let index = 0; index < before + additional; index += 1) {
    const nameEnd = skipName(bytes, start, end, at);
    if (nameEnd < 0 || nameEnd + 10 > end) return rcode.FORMERR;
    const dataEnd = nameEnd + 10 + u16(bytes, nameEnd + 8);
    if (dataEnd > end) return rcode.FORMERR;
    if (u16(bytes, nameEnd) === recordType.OPT) {
      if (index < before || query.hasOpt || nameEnd !== at + 1) return rcode.FORMERR;
      if (!areOptions(bytes, nameEnd + 10, dataEnd)) return rcode.FORMERR;
      query.hasOpt = true;
      query.udpSize = Math.max(512, u16(bytes, nameEnd + 2));
      version = bytes[nameEnd + 5] ?? 0;
      query.dnssecOk = ((bytes[nameEnd + 6] ?? 0) & 0x80) !== 0;
    }
    at = dataEnd;
  }
  return version === 0 ? 0 : rcode.BADVERS;
}

/** The end of the name of a record that nothing else is read of, or -1. Nearly always it is the root. */
function skipName(bytes: Uint8Array, start: number, end: number, at: number): number {
  if (at < end && bytes[at] === 0) return at + 1;
  return readName(bytes, start, end, at)?.next ?? -1;
}

const cookie = 10;

/** Whether RDATA of OPT is whole options, cookies of a length that RFC 7873 knows. */
function areOptions(bytes: Uint8Array, from: number, end: number): boolean {
  let at = from;
  while (at + 4 <= end) {
    const length = u16(bytes, at + 2);
    if (u16(bytes, at) === cookie && length !== 8 && (length < 16 || length > 40)) return false;
    at += 4 + length;
  }
  return at === end;
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

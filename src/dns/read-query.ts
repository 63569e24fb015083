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
  /** Of the octets that were read last. */
  view: DataView = new DataView(new ArrayBuffer(0));
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
  /** The name in lower case; `nameLength` octets, and zeros up to a whole word. */
  readonly lower: Buffer = Buffer.from(new ArrayBuffer(256));
  /** The same, four octets at a time, in the order of this machine. */
  readonly lowerWords: Int32Array = new Int32Array(this.lower.buffer);
  readonly lowerView: DataView = new DataView(this.lower.buffer);
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
    copy.lowerWords.set(this.lowerWords);
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
  if (query.bytes !== bytes) {
    query.bytes = bytes;
    query.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
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
  const first = start + 12;
  let at = first;
  let labels = 0;
  for (;;) {
    if (at >= end) return -1;
    const label = bytes[at] ?? 0;
    if (label > 63 || at - first + label > 254) return -1;
    at += 1 + label;
    if (label === 0) break;
    labels += 1;
  }
  if (at + 4 > end) return -1;
  query.nameLength = at - first;
  query.labels = labels;
  query.hash = lowerQuestion(query, first, at);
  query.type = u16(bytes, at);
  query.class = u16(bytes, at + 2);
  return at + 4;
}

/**
 * Puts the name in lower case, four octets at a time, and gives its hash. No length of a label looks like a letter. What is
 * read beyond the name is its type.
 */
function lowerQuestion({ view, lowerView }: Query, first: number, end: number): number {
  let hash = seed;
  for (let at = first; at < end; at += 4) {
    const word = view.getInt32(at, true);
    const rest = end - at;
    const lower = lowerWord(rest < 4 ? word & ((1 << (8 * rest)) - 1) : word);
    lowerView.setInt32(at - first, lower, true);
    hash = Math.imul(((hash << 5) | (hash >>> 27)) ^ lower, 0x9e3779b1);
  }
  return hash;
}

/**
 * Four octets at once: in each, the highest bit of one sum tells what is `A` or above, that of the other what is above
 * `Z`. Where they differ and the octet is ASCII it is an upper-case letter, which lacks the bit 0x20.
 */
function lowerWord(word: number): number {
  const low = word & 0x7f7f7f7f;
  const upper = ~word & ((low + 0x3f3f3f3f) ^ (low + 0x25252525)) & 0x80808080;
  return word | (upper >>> 2);
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

import type { AnswerTable } from './answer-table.ts';
import { recordType } from './constants.ts';
import type { EncodedAnswer, Run } from './encode-answer.ts';
import type { Query } from './read-query.ts';

/** Bits of the header beside the code (RFC 1035 4.1.1, RFC 4035 3.2). */
const bit = { response: 0x8000, authoritative: 0x0400, truncated: 0x0200, available: 0x0080, authentic: 0x0020 } as const;
/** What a reply repeats of a query: opcode, RD and CD. */
const copied = 0x7800 | 0x0100 | 0x0010;
const optLength = 11;

/** What a reply depends on besides question and records. */
export interface ReplyOptions {
  /** The largest reply that the transport and the asker allow. */
  readonly limit: number;
  /** The OPT record tells this size (specification 7.1). */
  readonly udpSize: number;
  readonly recursionAvailable: boolean;
  readonly authenticData: boolean;
  /** The answer came cut off. */
  readonly truncated: boolean;
  /** Seconds that the records have been kept: their TTLs are that much lower. */
  readonly elapsed: number;
  /** Seconds in place of all TTLs, -1: none (RFC 8767). */
  readonly fixedTtl: number;
  readonly shuffle: boolean;
  /** An integer from 0 up to but without `below`. */
  readonly random: (below: number) => number;
}

/** Order of the records to shuffle; grows to the longest. Any order it was left in is as good as another. */
let order = new Uint32Array(0);

/** Writes a reply to `out` from `at` and gives its length. `out` has room for `limit` octets. */
export function writeReply(query: Query, answer: EncodedAnswer, options: ReplyOptions, out: Uint8Array, at: number): number {
  const questionEnd = 12 + query.nameLength + 4;
  const { bytes, ends } = answer;
  const room = options.limit - questionEnd - (query.hasOpt ? optLength : 0);
  const total = ends.length - 1;
  let kept = total;
  if (bytes.length > room) while (kept > 0 && (ends[kept] ?? 0) > room) kept -= 1;
  // What says that there is no data is as needed as data.
  const needed = answer.answers === 0 ? answer.authorities : answer.answers;
  const truncated = options.truncated || kept < needed;
  const size = ends[kept] ?? 0;

  copyQuestion(query, out, at);
  const flags =
    bit.response |
    (query.flags & copied) |
    (answer.authoritative ? bit.authoritative : 0) |
    (truncated ? bit.truncated : 0) |
    (options.recursionAvailable ? bit.available : 0) |
    (options.authenticData ? bit.authentic : 0) |
    (answer.rcode & 15);
  out[at + 2] = flags >> 8;
  out[at + 3] = flags & 0xff;
  writeCounts(answer, kept, query.hasOpt, out, at);

  const body = at + questionEnd;
  if (size > 0) {
    copy(bytes, 0, size, out, body);
    if (answer.zoneLength > 0) putU16(out, body, 0xc000 | (12 + query.nameLength - answer.zoneLength));
    else if (options.shuffle) for (const run of answer.runs) shuffleRecords(answer, run, kept, options.random, out, body);
    if (options.elapsed > 0 || options.fixedTtl >= 0) ageRecords(answer, kept, options, out, body);
  }
  return questionEnd + size + writeOpt(query, answer.rcode, options.udpSize, out, body + size);
}

/**
 * Writes a reply out of a packed answer, whole: what {@link writeReply} gives for it, without what is rare. -1 where it is
 * longer than the limit.
 */
export function writePacked(
  query: Query,
  table: AnswerTable,
  place: number,
  { limit, recursionAvailable, udpSize, elapsed }: Pick<ReplyOptions, 'limit' | 'recursionAvailable' | 'udpSize' | 'elapsed'>,
  out: Uint8Array,
  at: number,
): number {
  const questionEnd = 12 + query.nameLength + 4;
  const length = table.lengthAt(place);
  const size = questionEnd + length;
  if (size + (query.hasOpt ? optLength : 0) > limit) return -1;
  copyQuestion(query, out, at);
  const head = table.headAt(place) & (showsAuthentic(query) ? 0xffff : ~bit.authentic);
  const counts = table.countsAt(place);
  putU16(out, at + 2, bit.response | (query.flags & copied) | head | (recursionAvailable ? bit.available : 0));
  putU16(out, at + 4, 1);
  putU16(out, at + 6, counts & 0xff);
  putU16(out, at + 8, (counts >> 8) & 0xff);
  putU16(out, at + 10, (counts >> 16) + (query.hasOpt ? 1 : 0));
  const from = table.recordsAt(place);
  copy(table.memory, from, from + length, out, at + questionEnd);
  if (elapsed > 0) agePacked(table, place, counts, elapsed, out, at + questionEnd);
  const zoneLength = table.zoneLengthAt(place);
  if (zoneLength > 0) putU16(out, at + questionEnd, 0xc000 | (12 + query.nameLength - zoneLength));
  return size + writeOpt(query, head & 15, udpSize, out, at + size);
}

/** A reply without records; without the question too where that could not be read. Gives its length. */
export function writeRefusal(
  query: Query,
  rcode: number,
  udpSize: number,
  recursionAvailable: boolean,
  out: Uint8Array,
  at: number,
): number {
  const questionEnd = query.nameLength === 0 ? 12 : 12 + query.nameLength + 4;
  copyQuestion(query, out, at);
  const flags = bit.response | (query.flags & copied) | (recursionAvailable ? bit.available : 0) | (rcode & 15);
  putU16(out, at + 2, flags);
  putU16(out, at + 4, query.nameLength === 0 ? 0 : 1);
  putU16(out, at + 6, 0);
  putU16(out, at + 8, 0);
  putU16(out, at + 10, query.hasOpt ? 1 : 0);
  return questionEnd + writeOpt(query, rcode, udpSize, out, at + questionEnd);
}

/** Sets TC of a reply that was written, and takes its records away. Gives its length. */
export function cutReply(
  query: Query,
  rcode: number,
  udpSize: number,
  recursionAvailable: boolean,
  out: Uint8Array,
  at: number,
): number {
  const length = writeRefusal(query, rcode, udpSize, recursionAvailable, out, at);
  out[at + 2] = (out[at + 2] ?? 0) | (bit.truncated >> 8);
  return length;
}

/** A reply may be written over its query: the question is there already then, and nothing behind it is needed any more. */
function copyQuestion(query: Query, out: Uint8Array, at: number): void {
  if (query.bytes === out && query.start === at) return;
  const length = query.nameLength === 0 ? 12 : 12 + query.nameLength + 4;
  copy(query.bytes, query.start, query.start + length, out, at);
}

function writeCounts(answer: EncodedAnswer, kept: number, hasOpt: boolean, out: Uint8Array, at: number): void {
  const answers = Math.min(kept, answer.answers);
  const authorities = Math.min(kept - answers, answer.authorities);
  putU16(out, at + 4, 1);
  putU16(out, at + 6, answers);
  putU16(out, at + 8, authorities);
  putU16(out, at + 10, kept - answers - authorities + (hasOpt ? 1 : 0));
}

function writeOpt(query: Query, rcode: number, udpSize: number, out: Uint8Array, at: number): number {
  if (!query.hasOpt) return 0;
  out[at] = 0;
  putU16(out, at + 1, recordType.OPT);
  putU16(out, at + 3, udpSize);
  out[at + 5] = rcode >> 4;
  out[at + 6] = 0;
  putU16(out, at + 7, query.dnssecOk ? 0x8000 : 0);
  putU16(out, at + 9, 0);
  return optLength;
}

/** Takes records at random, each order as likely as any other (Fisher and Yates), as many as are kept. */
function shuffleRecords(
  { bytes, ends }: EncodedAnswer,
  { first, count, size }: Run,
  kept: number,
  random: (below: number) => number,
  out: Uint8Array,
  body: number,
): void {
  const from = ends[first] ?? 0;
  const taken = Math.min(count, kept - first);
  if (taken < 1) return;
  if (order.length < count) order = Uint32Array.from({ length: count }, (_, index) => index);
  const picks = order.length === count ? order : order.subarray(0, count);
  // What an answer of another length left behind is not an order of this one.
  for (let index = 0; index < count; index += 1) picks[index] = index;
  for (let index = 0; index < taken; index += 1) {
    const other = index + random(count - index);
    const pick = picks[other] ?? 0;
    picks[other] = picks[index] ?? 0;
    const source = from + pick * size;
    copy(bytes, source, source + size, out, body + from + index * size);
  }
}

function ageRecords(
  { bytes, ttls }: EncodedAnswer,
  kept: number,
  { elapsed, fixedTtl }: ReplyOptions,
  out: Uint8Array,
  body: number,
): void {
  for (let index = 0; index < kept; index += 1) {
    const at = ttls[index] ?? 0;
    putU32(out, body + at, fixedTtl >= 0 ? fixedTtl : lowerTtl(readU32(bytes, at), elapsed));
  }
}

function agePacked(table: AnswerTable, place: number, counts: number, elapsed: number, out: Uint8Array, body: number): void {
  const records = (counts & 0xff) + ((counts >> 8) & 0xff) + (counts >> 16);
  for (let index = 0; index < records; index += 1) {
    const at = body + table.ttlAt(place, index);
    putU32(out, at, lowerTtl(readU32(out, at), elapsed));
  }
}

/** Whether AD is shown to an asker: with AD or DO of its own alone (RFC 6840 5.7). */
export function showsAuthentic({ dnssecOk, flags }: Query): boolean {
  return dnssecOk || (flags & bit.authentic) !== 0;
}

/** What is left of a TTL; 0 means something else than little (specification 5.4). */
export function lowerTtl(ttl: number, elapsed: number): number {
  return ttl === 0 ? 0 : Math.max(1, ttl - elapsed);
}

/** For the few octets of most answers faster than a view and its `set`. */
function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  if (end - start > 128) {
    to.set(from.subarray(start, end), at);
    return;
  }
  for (let index = start; index < end; index += 1) to[at + index - start] = from[index] ?? 0;
}

function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0)) * 65_536 + (bytes[at + 2] ?? 0) * 256 + (bytes[at + 3] ?? 0);
}

function putU32(out: Uint8Array, at: number, value: number): void {
  putU16(out, at, Math.floor(value / 65_536));
  putU16(out, at + 2, value % 65_536);
}

function putU16(out: Uint8Array, at: number, value: number): void {
  out[at] = (value >> 8) & 0xff;
  out[at + 1] = value & 0xff;
}

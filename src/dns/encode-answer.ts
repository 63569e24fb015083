import { classIn, recordType } from './constants.ts';
import { lowerName } from './name.ts';
import type { Name } from './name.ts';
import { layoutOf } from './rdata-layout.ts';
import { readName } from './read-name.ts';
import type { Answer, ResourceRecord } from './record.ts';

/**
 * The records of an answer in wire form, to be put behind any question for a name of the length they were encoded for.
 * Owners that equal the question are pointers to it, so the spelling of each asker comes back by itself.
 */
export interface EncodedAnswer {
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly bytes: Uint8Array;
  /** Where each record ends in `bytes`; one element more than records, the first is 0. */
  readonly ends: Uint32Array;
  /** Where the TTL of each record stands in `bytes`. */
  readonly ttls: Uint32Array;
  readonly answers: number;
  readonly authorities: number;
  readonly additionals: number;
  /** Runs of records that any order suits. */
  readonly runs: readonly Run[];
  /**
   * Octets of the zone whose name in the question is the owner of the only record, 0: none. Then the answer suits names of
   * any length: the first two octets become a pointer to where that zone begins.
   */
  readonly zoneLength: number;
}

/** `count` records of the answer, `size` octets each, from record `first` on. */
export interface Run {
  readonly first: number;
  readonly count: number;
  readonly size: number;
}

const headerLength = 12;
/** Where a pointer can lead to at most (RFC 1035 4.1.4). */
const pointerLimit = 0x4000;
const recordHead = 10;

/** Answers are put together here, one at a time; grows to the longest. */
let scratch = new Uint8Array(4096);

/** Encodes for questions of `question`, a name in lower case. */
export function encodeAnswer(answer: Answer, question: Name): EncodedAnswer {
  const denial = encodeDenial(answer, question);
  if (denial !== null) return denial;
  const records = [...answer.answer, ...answer.authority, ...answer.additional];
  const writer = new RecordWriter(question);
  const ends = new Uint32Array(records.length + 1);
  const ttls = new Uint32Array(records.length);
  for (const [index, record] of records.entries()) {
    ttls[index] = writer.record(record);
    ends[index + 1] = writer.length;
  }
  return {
    rcode: answer.rcode,
    authoritative: answer.authoritative,
    bytes: writer.finish(),
    ends,
    ttls,
    answers: answer.answer.length,
    authorities: answer.authority.length,
    additionals: answer.additional.length,
    runs: findRuns(answer, ends),
    zoneLength: 0,
  };
}

/** Denials by their SOA, of which a zone has one for each moment; most questions of search lists are denied. */
const denials = new WeakMap<ResourceRecord, readonly EncodedAnswer[]>();

/** A denial with the SOA of a zone that the question lies in: the same octets for all names of the zone. */
function encodeDenial({ rcode, authoritative, answer, authority, additional }: Answer, question: Name): EncodedAnswer | null {
  const [soa] = authority;
  if (soa?.type !== recordType.SOA || answer.length > 0 || authority.length > 1 || additional.length > 0) return null;
  if (soa.name.length < 2 || !question.endsWith(soa.name)) return null;
  const known = denials.get(soa)?.find((one) => one.rcode === rcode && one.authoritative === authoritative);
  if (known !== undefined) return known;
  // A pointer inside would lead elsewhere behind a question of another length.
  const writer = new RecordWriter(soa.name, false);
  const ttl = writer.record(soa);
  const bytes = writer.finish();
  const denial: EncodedAnswer = {
    rcode,
    authoritative,
    bytes,
    ends: Uint32Array.of(0, bytes.length),
    ttls: Uint32Array.of(ttl),
    answers: 0,
    authorities: 1,
    additionals: 0,
    runs: [],
    zoneLength: soa.name.length,
  };
  denials.set(soa, [...(denials.get(soa) ?? []), denial]);
  return denial;
}

/** The addresses at the end of an answer, where all their records have one owner and one size. */
function findRuns({ answer: records, preferred = 0 }: Answer, ends: Uint32Array): readonly Run[] {
  const last = records.at(-1);
  if (last === undefined || (last.type !== recordType.A && last.type !== recordType.AAAA)) return [];
  const from = records.findIndex(({ name, type }) => type === last.type && name === last.name);
  const size = (ends[records.length] ?? 0) - (ends[records.length - 1] ?? 0);
  for (let index = from; index < records.length; index += 1) {
    const record = records[index];
    if (record?.type !== last.type || record.name !== last.name) return [];
    if ((ends[index + 1] ?? 0) - (ends[index] ?? 0) !== size) return [];
  }
  const middle = Math.max(from, Math.min(preferred, records.length));
  const runs = [
    { first: from, count: middle - from, size },
    { first: middle, count: records.length - middle, size },
  ];
  return runs.filter(({ count }) => count > 1);
}

/** Whether a name, whose spelling is an upstream's, is the one in lower case. */
function isSame(name: Name, lower: Name): boolean {
  return name === lower || (name.length === lower.length && lowerName(name) === lower);
}

class RecordWriter {
  readonly #question: Name;
  readonly #base: number;
  readonly #compress: boolean;
  /** Where names that were written in lower case begin, counted from the start of the message. */
  readonly #places = new Map<Name, number>();
  length = 0;

  constructor(question: Name, compress = true) {
    this.#question = question;
    this.#compress = compress;
    this.#base = headerLength + question.length + 4;
  }

  finish(): Uint8Array {
    return scratch.slice(0, this.length);
  }

  /** Gives where the TTL was written. */
  record({ name, type, ttl, data }: ResourceRecord): number {
    if (isSame(name, this.#question)) this.#u16(0xc000 | headerLength);
    else this.#name(name, true);
    this.#u16(type);
    this.#u16(classIn);
    const at = this.length;
    this.#u16(Math.floor(ttl / 65_536));
    this.#u16(ttl % 65_536);
    const lengthAt = this.length;
    this.#u16(0);
    this.#data(type, data);
    const length = this.length - lengthAt - 2;
    scratch[lengthAt] = length >> 8;
    scratch[lengthAt + 1] = length & 0xff;
    return at;
  }

  /** Names are compressed in the RDATA of RFC 1035's types alone (RFC 3597 4); others are written whole and can be pointed to. */
  #data(type: number, data: Uint8Array): void {
    const parts = layoutOf(type);
    if (parts.every((part) => part !== 'name')) {
      this.#octets(data, 0, data.length);
      return;
    }
    let at = 0;
    for (const part of parts) {
      if (part === 'name') {
        const read = readName(data, 0, data.length, at);
        if (read === null) break;
        this.#name(read.name, this.#compress && type <= recordType.MX);
        at = read.next;
        continue;
      }
      const next = part === 'rest' ? data.length : at + (part === 'string' ? 1 + (data[at] ?? 0) : part);
      this.#octets(data, at, next);
      at = next;
    }
  }

  #name(name: Name, compress: boolean): void {
    let at = 0;
    for (;;) {
      const length = name.charCodeAt(at);
      const rest = at === 0 ? name : name.slice(at);
      if (length > 0) {
        const place = this.#places.get(rest);
        if (place !== undefined && compress) {
          this.#u16(0xc000 | place);
          return;
        }
        const here = this.#base + this.length;
        if (place === undefined && here < pointerLimit) this.#places.set(rest, here);
      }
      this.#reserve(1 + length);
      for (let index = 0; index <= length; index += 1) scratch[this.length + index] = name.charCodeAt(at + index);
      this.length += 1 + length;
      if (length === 0) return;
      at += 1 + length;
    }
  }

  #octets(data: Uint8Array, from: number, to: number): void {
    this.#reserve(to - from);
    for (let index = from; index < to; index += 1) scratch[this.length + index - from] = data[index] ?? 0;
    this.length += to - from;
  }

  #u16(value: number): void {
    this.#reserve(2);
    scratch[this.length] = value >> 8;
    scratch[this.length + 1] = value & 0xff;
    this.length += 2;
  }

  #reserve(more: number): void {
    if (this.length + more + recordHead <= scratch.length) return;
    const grown = new Uint8Array(2 * (scratch.length + more));
    grown.set(scratch.subarray(0, this.length));
    scratch = grown;
  }
}

import { classIn, recordType } from './constants.ts';
import type { Edns, Message, Question } from './message.ts';
import { layoutOf } from './rdata-layout.ts';
import type { RdataPart } from './rdata-layout.ts';
import { latin1, octetsOf, readName } from './read-name.ts';
import type { ResourceRecord } from './record.ts';

const headerLength = 12;

/**
 * Decodes a whole message. Null where it is malformed anywhere: a cut or looping name, RDATA that does not fill its length
 * or runs over, two OPT records. Records of other classes than IN are left out. Octets behind the last record are not looked at. Copies what it keeps.
 */
export function parseMessage(bytes: Uint8Array, start = 0, length = bytes.length - start): Message | null {
  if (length < headerLength) return null;
  const reader = new Reader(bytes, start, start + length);
  const counts = [4, 6, 8, 10].map((at) => reader.u16At(start + at));
  const [questionCount = 0, answerCount = 0, authorityCount = 0, additionalCount = 0] = counts;
  reader.at = start + headerLength;
  const questions = reader.many(questionCount, () => reader.question());
  const answer = questions && reader.many(answerCount, () => reader.record());
  const authority = answer && reader.many(authorityCount, () => reader.record());
  const additional = authority && reader.many(additionalCount, () => reader.record());
  if (!questions || !answer || !authority || !additional) return null;
  const flags = reader.u16At(start + 2);
  const extended = reader.extendedRcode;
  return {
    id: reader.u16At(start),
    response: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 15,
    authoritative: (flags & 0x0400) !== 0,
    truncated: (flags & 0x0200) !== 0,
    recursionDesired: (flags & 0x0100) !== 0,
    recursionAvailable: (flags & 0x0080) !== 0,
    authenticData: (flags & 0x0020) !== 0,
    checkingDisabled: (flags & 0x0010) !== 0,
    rcode: (extended << 4) | (flags & 15),
    questions,
    answer: withoutOpt(answer),
    authority: withoutOpt(authority),
    additional: withoutOpt(additional),
    edns: reader.edns,
  };
}

function withoutOpt(records: readonly (ResourceRecord | null)[]): readonly ResourceRecord[] {
  return records.filter((record) => record !== null);
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #end: number;
  at = 0;
  edns: Edns | null = null;
  extendedRcode = 0;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
  }

  u16At(at: number): number {
    return ((this.#bytes[at] ?? 0) << 8) | (this.#bytes[at + 1] ?? 0);
  }

  /** Null as soon as one is malformed; `undefined` is what the reading of one gives then. */
  many<T>(count: number, read: () => T | undefined): T[] | null {
    const found: T[] = [];
    for (let index = 0; index < count; index += 1) {
      const one = read();
      if (one === undefined) return null;
      found.push(one);
    }
    return found;
  }

  question(): Question | undefined {
    const name = this.#name();
    if (name === null || this.at + 4 > this.#end) return undefined;
    this.at += 4;
    return { name, type: this.u16At(this.at - 4), class: this.u16At(this.at - 2) };
  }

  /** Null for an OPT record, which goes to {@link edns}, and for what is not of the Internet. */
  record(): ResourceRecord | null | undefined {
    const name = this.#name();
    if (name === null || this.at + 10 > this.#end) return undefined;
    const type = this.u16At(this.at);
    const upper = this.u16At(this.at + 4);
    const lower = this.u16At(this.at + 6);
    const end = this.at + 10 + this.u16At(this.at + 8);
    if (end > this.#end) return undefined;
    if (type === recordType.OPT) return this.#opt(end, upper, lower);
    if (this.u16At(this.at + 2) !== classIn) {
      this.at = end;
      return null;
    }
    this.at += 10;
    const data = this.#rdata(layoutOf(type), end);
    // The topmost bit makes no number of seconds (RFC 2181 8).
    return data === null ? undefined : { name, type, ttl: upper & 0x8000 ? 0 : upper * 65_536 + lower, data };
  }

  #opt(end: number, upper: number, lower: number): null | undefined {
    if (this.edns !== null) return undefined;
    this.extendedRcode = upper >> 8;
    this.edns = {
      version: upper & 0xff,
      udpSize: this.u16At(this.at + 2),
      dnssecOk: (lower & 0x8000) !== 0,
      options: copyOf(this.#bytes, this.at + 10, end),
    };
    this.at = end;
    return null;
  }

  #name(): string | null {
    const read = readName(this.#bytes, this.#start, this.#end, this.at);
    if (read === null) return null;
    this.at = read.next;
    return read.name;
  }

  #rdata(parts: readonly RdataPart[], end: number): Uint8Array | null {
    if (parts[0] === 'rest' || parts.length === 0) {
      const data = copyOf(this.#bytes, this.at, end);
      this.at = end;
      return data;
    }
    let text = '';
    for (const part of parts) {
      const from = this.at;
      if (part === 'name') {
        const name = this.#name();
        if (name === null || this.at > end) return null;
        text += name;
        continue;
      }
      this.at = part === 'rest' ? end : from + (part === 'string' ? 1 + (this.#bytes[from] ?? 0) : part);
      if (this.at > end) return null;
      text += latin1(this.#bytes, from, this.at);
    }
    return this.at === end ? octetsOf(text) : null;
  }
}

/** `slice` of a Buffer is a view of the same memory. */
function copyOf(bytes: Uint8Array, from: number, to: number): Uint8Array {
  return new Uint8Array(bytes.subarray(from, to));
}

import type { EncodedAnswer } from './encode-answer.ts';
import type { Query } from './read-query.ts';
import type { Term } from './resolution.ts';
import type { Lease } from './zone-contract.ts';

/** An answer that was encoded once and holds while its lease is live. */
export interface KeptAnswer {
  readonly encoded: EncodedAnswer;
  readonly lease: Lease;
  /** The same as `lease` where the answer grows old; then it suits those who ask with the same DO and CD. Null: it suits all. */
  readonly term: Term | null;
  /** The AD bit of an upstream. */
  readonly authenticData: boolean;
  /** Its place among the counts of replies. */
  readonly response: number;
  /** Index of the server block it belongs to. */
  readonly block: number;
}

/** Entries that one hash may lead to. With fewer, a table as full as it is meant to be has names that push each other out for ever. */
const ways = 8;

/**
 * Octets of the name and the records of an entry, which lie in one piece with its numbers. Most answers fit, and finding and
 * copying them costs two places of memory that the processor does not have at hand, where objects would cost eight.
 */
const roomOctets = 128;

/** Numbers of an entry, in the order of their places. The TTLs take two of them. */
const row = { type: 0, lengths: 1, counts: 2, head: 3, labels: 4, ttls: 5 } as const;
/** The name begins behind the numbers. */
const rowWords = 8;
const placeWords = rowWords + roomOctets / 4;
const placeOctets = placeWords * 4;
/** Places of TTLs that a packed answer has room for, an octet each. */
const ttlRoom = 8;
/** Flags above the lengths: of an answer that grows old, and of one that is kept as it is. */
const flag = { grows: 0x0100_0000, whole: 0x0200_0000 } as const;
/** Kinds of askers, as bits above the type: without DO and CD, with the one, the other, both. */
const everybody = 0b1111;

/** The header bits that an answer brings: AA, AD and the code. */
const head = { authoritative: 0x0400, authentic: 0x0020 } as const;

/**
 * Encoded answers by name and type, found without making a text of the name: the first thing looked at for each question.
 * Bounded: a new entry takes the place of one that is over, or else of any of its neighbours.
 *
 * An entry has one number, its place. Small answers without an order to shuffle are packed; the others are kept as they are.
 */
export class AnswerTable {
  /** Numbers, names and records of all entries, `placeOctets` for each. */
  readonly memory: Uint8Array;
  readonly #words: Int32Array;
  /** Hashes, those of one set side by side. */
  readonly #hashes: Int32Array;
  readonly #leases: ((Lease & Partial<Term>) | null)[];
  readonly #whole: (KeptAnswer | null)[];
  readonly #mask: number;
  readonly #random: (below: number) => number;

  /** `size` entries, rounded up to a power of two. `random` gives integers below its argument. */
  constructor(size: number, random: (below: number) => number) {
    const sets = 2 ** Math.ceil(Math.log2(Math.max(1, size / ways)));
    const places = sets * ways;
    this.memory = new Uint8Array(places * placeOctets);
    this.#words = new Int32Array(this.memory.buffer);
    this.#hashes = new Int32Array(places);
    this.#leases = Array.from({ length: places }, () => null);
    this.#whole = Array.from({ length: places }, () => null);
    this.#mask = sets - 1;
    this.#random = random;
  }

  /** The place of the answer, or -1. */
  find(query: Query): number {
    const hash = hashOf(query);
    const first = (hash & this.#mask) * ways;
    const hashes = this.#hashes;
    for (let place = first; place < first + ways; place += 1) {
      if (hashes[place] !== hash || !this.#isFor(place, query)) continue;
      const lease = this.#leases[place];
      if (!lease) continue;
      if (lease.live) return place;
      this.#leases[place] = null;
      this.#whole[place] = null;
      return -1;
    }
    return -1;
  }

  /** The answer that is kept as it is; null: it is packed. */
  wholeAt(place: number): KeptAnswer | null {
    if (((this.#words[place * placeWords + row.lengths] ?? 0) & flag.whole) === 0) return null;
    return this.#whole[place] ?? null;
  }

  /** Where the records of a packed answer begin in {@link memory}, and how long they are. */
  recordsAt(place: number): number {
    return (place * placeWords + rowWords + wordsOf((this.#words[place * placeWords + row.lengths] ?? 0) & 0xff)) * 4;
  }

  lengthAt(place: number): number {
    return ((this.#words[place * placeWords + row.lengths] ?? 0) >> 8) & 0xff;
  }

  /** {@link EncodedAnswer.zoneLength} */
  zoneLengthAt(place: number): number {
    return ((this.#words[place * placeWords + row.lengths] ?? 0) >> 16) & 0xff;
  }

  /** Numbers of records of the three sections, 8 bits each, the answer lowest. */
  countsAt(place: number): number {
    return this.#words[place * placeWords + row.counts] ?? 0;
  }

  /** The bits that it brings to a header. */
  headAt(place: number): number {
    return this.#words[place * placeWords + row.head] ?? 0;
  }

  /** Gives the answer to one more asker: see {@link Term.take}; 0 where it does not grow old. */
  takeAt(place: number): number {
    if (((this.#words[place * placeWords + row.lengths] ?? 0) & flag.grows) === 0) return 0;
    return this.#leases[place]?.take?.() ?? 0;
  }

  /** Where the TTL of a record of a packed answer that grows old stands. */
  ttlAt(place: number, record: number): number {
    return this.memory[place * placeOctets + row.ttls * 4 + record] ?? 0;
  }

  responseAt(place: number): number {
    return (this.#words[place * placeWords + row.labels] ?? 0) >> 16;
  }

  blockAt(place: number): number {
    return (this.#words[place * placeWords + row.labels] ?? 0) & 0xffff;
  }

  /** Keeps an answer. Names longer than any that is asked for often are not kept. */
  keep(query: Query, answer: KeptAnswer): void {
    if (query.nameLength > roomOctets) return;
    const hash = hashOf(query);
    const known = this.find(query);
    const place = known >= 0 ? known : this.#choosePlace((hash & this.#mask) * ways);
    const { encoded, lease, term } = answer;
    const at = place * placeWords;
    const words = this.#words;
    const packed = isPackable(query, answer);
    const length = packed ? encoded.bytes.length : 0;
    this.#hashes[place] = hash;
    words[at + row.type] = query.type | (term === null ? everybody << 16 : askerOf(query));
    words[at + row.lengths] =
      query.nameLength |
      (length << 8) |
      (encoded.zoneLength << 16) |
      (term === null ? 0 : flag.grows) |
      (packed ? 0 : flag.whole);
    words[at + row.counts] = encoded.answers | (encoded.authorities << 8) | (encoded.additionals << 16);
    words[at + row.head] =
      (encoded.authoritative ? head.authoritative : 0) | (answer.authenticData ? head.authentic : 0) | encoded.rcode;
    words[at + row.labels] = answer.block | (answer.response << 16);
    if (packed && term !== null) this.memory.set(encoded.ttls, (at + row.ttls) * 4);
    this.#leases[place] = term ?? lease;
    this.#whole[place] = packed ? null : answer;
    words.set(query.lowerWords.subarray(0, wordsOf(query.nameLength)), at + rowWords);
    if (packed) this.memory.set(encoded.bytes, this.recordsAt(place));
  }

  #choosePlace(first: number): number {
    for (let place = first; place < first + ways; place += 1) if (this.#leases[place]?.live !== true) return place;
    return first + this.#random(ways);
  }

  /** Whether name and type of an entry are those of the question, and its asker one that the answer suits. */
  #isFor(place: number, query: Query): boolean {
    const words = this.#words;
    const at = place * placeWords;
    const type = words[at + row.type] ?? 0;
    if ((type & 0xffff) !== query.type || (type & askerOf(query)) === 0) return false;
    const { lowerWords, nameLength } = query;
    if (((words[at + row.lengths] ?? 0) & 0xff) !== nameLength) return false;
    const name = at + rowWords;
    const count = wordsOf(nameLength);
    for (let index = 0; index < count; index += 1) if (words[name + index] !== lowerWords[index]) return false;
    return true;
  }
}

/** Words that a name takes, its last one filled up with zeros. */
function wordsOf(octets: number): number {
  return (octets + 3) >> 2;
}

function isPackable({ nameLength }: Query, { encoded, term }: KeptAnswer): boolean {
  const { bytes, runs, ttls } = encoded;
  return (
    wordsOf(nameLength) * 4 + bytes.length <= roomOctets && runs.length === 0 && ttls.length <= (term === null ? 255 : ttlRoom)
  );
}

function askerOf({ dnssecOk, checkingDisabled }: Query): number {
  return 0x1_0000 << ((dnssecOk ? 1 : 0) + (checkingDisabled ? 2 : 0));
}

/** The hash of a name is poor in its low bits; the last multiplication of murmur3 mixes them. */
function hashOf({ hash, type }: Query): number {
  const mixed = Math.imul(hash ^ (hash >>> 16) ^ Math.imul(type, 0x9e3779b1), 0x85ebca6b);
  return mixed ^ (mixed >>> 13);
}

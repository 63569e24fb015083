import type { Name } from './name.ts';

/** One resource record of class IN. */
export interface ResourceRecord {
  /** The owner. Where it equals the name that was asked, without regard to case, the reply repeats the asker's spelling. */
  readonly name: Name;
  readonly type: number;
  /** Seconds. */
  readonly ttl: number;
  /** RDATA in wire form; names in it are not compressed. */
  readonly data: Uint8Array;
}

/** What becomes of a question, before a transport gives it a size and an asker gives it a spelling. */
export interface Answer {
  readonly rcode: number;
  /** The AA bit: the data is ours. */
  readonly authoritative: boolean;
  /** The CNAMEs first, in chain order; each set of records in one run (specification 10.1). */
  readonly answer: readonly ResourceRecord[];
  /** At most the SOA that a denial needs, or the NS records of the apex. */
  readonly authority: readonly ResourceRecord[];
  readonly additional: readonly ResourceRecord[];
  /** How many records at the head of the answer go before the rest, however the rest is shuffled; absent: all are alike. */
  readonly preferred?: number;
}

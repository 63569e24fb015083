import type { AnswerTable } from './answer-table.ts';
import { encodeAnswer } from './encode-answer.ts';
import type { EncodedAnswer } from './encode-answer.ts';
import type { Query } from './read-query.ts';
import type { Resolution } from './resolution.ts';
import { cutReply, showsAuthentic, writePacked, writeRefusal, writeReply } from './write-reply.ts';
import type { ReplyOptions } from './write-reply.ts';

/** The size that our OPT records tell (specification 7.1). */
const ownUdpSize = 1232;

/** Writes replies of one server, with options that are used again for each. */
export class ReplyMaker {
  readonly #options: { -readonly [K in keyof ReplyOptions]: ReplyOptions[K] };

  constructor(recursionAvailable: boolean, random: (below: number) => number) {
    this.#options = {
      limit: 512,
      udpSize: ownUdpSize,
      recursionAvailable,
      authenticData: false,
      truncated: false,
      elapsed: 0,
      fixedTtl: -1,
      shuffle: true,
      random,
    };
  }

  /** The octets of an answer: those that are kept with it, or new ones that are kept from now on. */
  encode(query: Query, { answer, memory }: Resolution, minimal: boolean): EncodedAnswer {
    const known = memory?.encoded ?? null;
    if (known !== null) return known;
    const encoded = encodeAnswer(minimal ? { ...answer, ...shorten(answer) } : answer, query.name);
    if (memory !== null) memory.encoded = encoded;
    return encoded;
  }

  /** A reply from what is kept for everybody, cut to the limit; -1 where a packed answer is above it. */
  kept(
    query: Query,
    table: AnswerTable,
    place: number,
    elapsed: number,
    limit: number,
    shuffle: boolean,
    out: Uint8Array,
    at: number,
  ): number {
    const options = this.#options;
    options.limit = limit;
    options.elapsed = elapsed;
    const whole = table.wholeAt(place);
    if (whole === null) return writePacked(query, table, place, options, out, at);
    options.shuffle = shuffle;
    options.authenticData = whole.authenticData && showsAuthentic(query);
    options.truncated = false;
    options.fixedTtl = -1;
    return writeReply(query, whole.encoded, options, out, at);
  }

  resolved(
    query: Query,
    answer: EncodedAnswer,
    { authenticData, truncated, elapsed, fixedTtl }: Resolution,
    limit: number,
    shuffle: boolean,
    out: Uint8Array,
    at: number,
  ): number {
    const options = this.#options;
    options.limit = limit;
    options.shuffle = shuffle;
    options.authenticData = authenticData && showsAuthentic(query);
    options.truncated = truncated;
    options.elapsed = elapsed;
    options.fixedTtl = fixedTtl;
    return writeReply(query, answer, options, out, at);
  }

  refuse(query: Query, code: number, out: Uint8Array, at: number): number {
    return writeRefusal(query, code, ownUdpSize, this.#options.recursionAvailable, out, at);
  }

  /** Nothing but the request to ask again over TCP. */
  cut(query: Query, out: Uint8Array, at: number): number {
    return cutReply(query, 0, ownUdpSize, this.#options.recursionAvailable, out, at);
  }
}

/** What a client does not need: everything beside an answer that there is. */
function shorten({ answer, authority }: Resolution['answer']): Pick<Resolution['answer'], 'authority' | 'additional'> {
  return { authority: answer.length > 0 ? [] : authority, additional: [] };
}

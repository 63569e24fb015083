import { AnswerTable } from './answer-table.ts';
import { rcode } from './constants.ts';
import type { DatagramSocket, Peer } from './listen-contract.ts';
import type { Lane } from './lane.ts';
import { responseIndex } from './lane-counts.ts';
import { isWithin, rootName } from './name.ts';
import type { Name } from './name.ts';
import { Query, queryVerdict, readQuery } from './read-query.ts';
import { ReplyMaker } from './reply-maker.ts';
import { emptyAnswer, resolveNow } from './resolution.ts';
import type { Request, Resolution, Stage } from './resolution.ts';
import { ServerBlock } from './server-block.ts';
import type { AccessVerdict, BlockParts } from './server-parts.ts';
import type { LogEntry } from './query-log.ts';
import { textOf } from './peer-text.ts';

export interface ServerOptions {
  /** The blocks of one port. */
  readonly blocks: readonly BlockParts[];
  /** Answers that are kept in encoded form. */
  readonly tableSize: number;
  /** Milliseconds, with a fraction; only differences matter. */
  readonly now: () => number;
  /** An integer from 0 up to but without `below`. */
  readonly random: (below: number) => number;
  /** Told what must not happen: an exception while a question was answered. */
  readonly panic: (error: unknown) => void;
}

/** What one message came with. `out` has room for any reply from `at`. */
interface Exchange {
  readonly query: Query;
  readonly peer: Peer;
  readonly stream: boolean;
  readonly size: number;
  readonly startedAt: number;
}

/** A listening address: whom its counts go to, one for each block and one more for what belongs to none. */
export interface Listening {
  readonly lanes: readonly Lane[];
}

/** In place of a length: the reply comes later. */
const underWay = -1;
/** In place of a length: another way has to be taken. */
const noReply = -2;
/** Of answers that are at hand one in so many, and one more, is timed; the others count as it does. */
const timedOneIn = 15;

const rootQuestion = { name: rootName } as const;

/** Octets of the longest message over TCP. */
const streamLimit = 65_535;

/**
 * Answers questions with the blocks of one port. What holds for everybody is encoded once and found again by the octets of
 * the name; the rest goes through the stages of its block.
 */
export class Server {
  readonly #options: ServerOptions;
  readonly #blocks: readonly ServerBlock[];
  /** Zones of all blocks with the index of their block, longest first. */
  readonly #zones: readonly { readonly zone: Name; readonly block: number }[];
  readonly #table: AnswerTable;
  readonly #maker: ReplyMaker;
  readonly #query = new Query();
  readonly #needsSource: boolean;
  #untimed = 0;
  #lastSeconds = 0;
  /** Told of each reply; null while the query log is off. */
  #log: ((entry: LogEntry) => void) | null = null;
  readonly #streamOut = new Uint8Array(streamLimit);

  constructor(options: ServerOptions) {
    const { blocks, tableSize, random } = options;
    this.#options = options;
    this.#blocks = blocks.map((parts) => new ServerBlock(parts, (request, links) => this.#askAgain(request, links)));
    this.#zones = blocks
      .flatMap(({ zones }, block) => zones.map((zone) => ({ zone, block })))
      .toSorted((a, b) => b.zone.length - a.zone.length);
    this.#table = new AnswerTable(tableSize, random);
    this.#maker = new ReplyMaker(
      blocks.some(({ forward }) => forward.length > 0),
      random,
    );
    this.#needsSource = blocks.some(({ autopath }) => autopath !== null);
  }

  /** Counts of a listening address: `laneOf` gives those for the first zone of a block, and for what belongs to none. */
  listen(laneOf: (zone: Name | null) => Lane): Listening {
    return { lanes: [...this.#blocks.map(({ parts }) => laneOf(parts.zones[0] ?? null)), laneOf(null)] };
  }

  switchLog(log: ((entry: LogEntry) => void) | null): void {
    this.#log = log;
  }

  /** The answer to a question, with how it came about. */
  resolve(request: Request): Resolution | Promise<Resolution> {
    return this.#blocks[this.#findBlock(request.name)]?.resolve(request) ?? noBlock();
  }

  /** As {@link AnswerDatagram} asks for. */
  answerDatagram(
    listening: Listening,
    socket: DatagramSocket,
    input: Uint8Array,
    start: number,
    length: number,
    peer: Peer,
    out: Uint8Array,
    outStart: number,
  ): number {
    const query = this.#query;
    const verdict = readQuery(query, input, start, length);
    const place = verdict === queryVerdict.fine ? this.#table.find(query) : -1;
    const quick = place < 0 ? noReply : this.#answerKept(listening, place, peer, false, length, out, outStart);
    return quick === noReply ? this.#answerDatagram(listening, socket, verdict, length, peer, out, outStart) : quick;
  }

  /** What nearly all questions need: no object is made, and the clock is looked at now and then. */
  #answerKept(
    listening: Listening,
    place: number,
    peer: Peer,
    stream: boolean,
    size: number,
    out: Uint8Array,
    at: number,
  ): number {
    const query = this.#query;
    const table = this.#table;
    const block = table.blockAt(place);
    const parts = this.#blocks[block]?.parts;
    const lane = listening.lanes[block];
    if (parts === undefined || lane === undefined || this.#log !== null || (parts.rateLimit !== null && !stream)) return noReply;
    if (parts.acl !== null && parts.acl(peer, query, query.type) !== 'allow') return noReply;
    this.#untimed = (this.#untimed + 1) & timedOneIn;
    const startedAt = this.#untimed === 0 ? this.#options.now() : 0;
    const elapsed = table.takeAt(place);
    if (elapsed < 0) return noReply;
    const limit = stream ? streamLimit : Math.min(query.udpSize, parts.udpLimit);
    const length = this.#maker.kept(query, table, place, elapsed, limit, parts.shuffle, out, at);
    if (length < 0) return noReply;
    if (this.#untimed === 0) this.#lastSeconds = (this.#options.now() - startedAt) / 1000;
    lane.answeredKept(query, peer, stream, size, table.responseAt(place), length, this.#lastSeconds);
    return length;
  }

  #answerDatagram(
    listening: Listening,
    socket: DatagramSocket,
    verdict: number,
    length: number,
    peer: Peer,
    out: Uint8Array,
    outStart: number,
  ): number {
    const query = this.#query;
    const exchange: Exchange = { query, peer, stream: false, size: length, startedAt: this.#options.now() };
    const done = this.#answer(listening, exchange, verdict, out, outStart, (resolution, block) => {
      const path = socket.keepPath();
      const kept = { ...exchange, query: query.copy(), peer: copyPeer(peer) };
      this.#later(resolution, (settled) => {
        const bytes = new Uint8Array(4096);
        const replied = this.#finish(listening, kept, settled, block, bytes, 0);
        socket.send(path, bytes.subarray(0, replied));
      });
    });
    return Math.max(0, done);
  }

  /** As {@link AnswerMessage} asks for. */
  answerMessage(listening: Listening, input: Uint8Array, peer: Peer, reply: (bytes: Uint8Array) => void): void {
    const query = this.#query;
    const out = this.#streamOut;
    const verdict = readQuery(query, input, 0, input.length);
    const place = verdict === queryVerdict.fine ? this.#table.find(query) : -1;
    const quick = place < 0 ? noReply : this.#answerKept(listening, place, peer, true, input.length, out, 0);
    if (quick !== noReply) return reply(out.slice(0, quick));
    const exchange: Exchange = { query, peer, stream: true, size: input.length, startedAt: this.#options.now() };
    const length = this.#answer(listening, exchange, verdict, out, 0, (resolution, block) => {
      const kept = { ...exchange, query: query.copy(), peer: copyPeer(peer) };
      this.#later(resolution, (settled) => {
        const replied = this.#finish(listening, kept, settled, block, out, 0);
        reply(out.slice(0, replied));
      });
    });
    // Nothing is a reply too: the connection need not wait for another.
    if (length >= 0) reply(out.slice(0, length));
    return undefined;
  }

  #answer(
    listening: Listening,
    exchange: Exchange,
    verdict: number,
    out: Uint8Array,
    at: number,
    later: (resolution: Promise<Resolution>, block: number) => void,
  ): number {
    const { query, peer, stream, size } = exchange;
    if (verdict === queryVerdict.drop) return this.#drop(listening, this.#blocks.length);
    const block = query.nameLength === 0 ? this.#blocks.length : this.#findBlock(query.name);
    const parts = this.#blocks[block]?.parts;
    listening.lanes[block]?.asked(query, peer, stream, size);
    const access = parts === undefined ? this.#admit(peer) : (parts.acl?.(peer, query, query.type) ?? 'allow');
    if (access === 'drop') return this.#drop(listening, block);
    if (access === 'block') return this.#refuse(listening, exchange, 'acl', rcode.REFUSED, block, out, at);
    if (access === 'filter') return this.#refuse(listening, exchange, 'acl', rcode.NOERROR, block, out, at);
    if (!stream && parts?.rateLimit) {
      const rate = parts.rateLimit(peer, exchange.startedAt);
      if (rate === 'drop') return this.#drop(listening, block);
      if (rate === 'truncate')
        return this.#end(listening, exchange, '', rcode.NOERROR, block, this.#maker.cut(query, out, at), out, at);
    }
    if (verdict !== queryVerdict.fine) return this.#refuse(listening, exchange, '', verdict, block, out, at);
    const resolution = this.#resolveSafely(exchange, block);
    if (resolution instanceof Promise) {
      later(resolution, block);
      return underWay;
    }
    return this.#finish(listening, exchange, resolution, block, out, at);
  }

  /** Keeps what suits everybody, and writes the reply. */
  #finish(listening: Listening, exchange: Exchange, resolution: Resolution, block: number, out: Uint8Array, at: number): number {
    const { query } = exchange;
    const parts = this.#blocks[block]?.parts;
    const encoded = this.#maker.encode(query, resolution, parts?.minimal ?? false);
    const { term, stage, authenticData } = resolution;
    const lease = resolution.lease ?? term;
    if (lease?.live === true) {
      const response = responseIndex(stage, encoded.rcode);
      this.#table.keep(query, { encoded, lease, term, authenticData, response, block });
    }
    const length = this.#maker.resolved(
      query,
      encoded,
      resolution,
      this.#limit(exchange, block),
      parts?.shuffle ?? true,
      out,
      at,
    );
    return this.#end(listening, exchange, stage, encoded.rcode, block, length, out, at);
  }

  #refuse(
    listening: Listening,
    exchange: Exchange,
    stage: Stage,
    code: number,
    block: number,
    out: Uint8Array,
    at: number,
  ): number {
    const length = this.#maker.refuse(exchange.query, code, out, at);
    return this.#end(listening, exchange, stage, code, block, length, out, at);
  }

  #end(
    { lanes }: Listening,
    { query, peer, stream, size, startedAt }: Exchange,
    stage: Stage,
    code: number,
    block: number,
    length: number,
    out: Uint8Array,
    at: number,
  ): number {
    const seconds = (this.#options.now() - startedAt) / 1000;
    lanes[block]?.answered(stage, code, stream, length, seconds);
    const log = this.#log;
    if (log !== null) {
      const rules = this.#blocks[block]?.parts.log ?? null;
      const flags = ((out[at + 2] ?? 0) << 8) | (out[at + 3] ?? 0);
      log({ rules, peer, query, stream, requestSize: size, rcode: code, flags, responseSize: length, seconds });
    }
    return length;
  }

  #drop({ lanes }: Listening, block: number): 0 {
    lanes[block]?.dropped();
    return 0;
  }

  /**
   * What belongs to no block, for its name could not be read or is nobody's, is told so by the access rules of none. Strangers
   * to all of them get no work done all the same (specification 18.1): the rules are asked about the root, which
   * those of single zones say nothing of.
   */
  #admit(peer: Peer): 'allow' | 'block' | 'drop' {
    let first: AccessVerdict = 'allow';
    for (const { parts } of this.#blocks) {
      const access = parts.acl?.(peer, rootQuestion, 0) ?? 'allow';
      if (access === 'allow') return access;
      if (first === 'allow') first = access;
    }
    return first === 'filter' ? 'block' : first;
  }

  #limit({ query, stream }: Exchange, block: number): number {
    if (stream) return streamLimit;
    return Math.min(query.udpSize, this.#blocks[block]?.parts.udpLimit ?? 512);
  }

  #resolveSafely({ query, peer, stream }: Exchange, block: number): Resolution | Promise<Resolution> {
    try {
      const request: Request = {
        name: query.name,
        spelled: query.spelledName,
        type: query.type,
        dnssecOk: query.dnssecOk,
        checkingDisabled: query.checkingDisabled,
        stream,
        source: this.#needsSource ? textOf(peer) : '',
      };
      return this.#blocks[block]?.resolve(request) ?? noBlock();
    } catch (error) {
      return this.#panicked(error);
    }
  }

  #later(resolution: Promise<Resolution>, reply: (resolution: Resolution) => void): void {
    resolution
      .then(reply, (error: unknown) => reply(this.#panicked(error)))
      .catch((error: unknown) => this.#options.panic(error));
  }

  #panicked(error: unknown): Resolution {
    this.#options.panic(error);
    return resolveNow(emptyAnswer(rcode.SERVFAIL), '', 'an exception, which is a bug');
  }

  #askAgain(request: Request, links: number): Resolution | Promise<Resolution> {
    return this.#blocks[this.#findBlock(request.name)]?.resolveRewritten(request, links) ?? noBlock();
  }

  /** The index behind the last block where none has the name. */
  #findBlock(name: Name): number {
    const [first] = this.#zones;
    if (first !== undefined && first.zone.length === 1) return first.block;
    for (const { zone, block } of this.#zones) if (isWithin(name, zone)) return block;
    return this.#blocks.length;
  }
}

function noBlock(): Resolution {
  return resolveNow(emptyAnswer(rcode.REFUSED), '', 'no server block has this name');
}

function copyPeer({ buffer, offset, octets, port }: Peer): Peer {
  return { buffer: new Uint8Array(buffer.subarray(offset, offset + octets)), offset: 0, octets, port };
}

import type { Pause } from '../model/mod.ts';
import { ByteWriter, viewOf } from './bytes.ts';
import { judgeBatch, writeBatchBegin, writeBatchEnd } from './codec-batch.ts';
import type { BatchVerdict } from './codec-batch.ts';
import { errnos } from './errno.ts';
import { messageFlags, readAnswer, readMessages, writeMessage } from './message.ts';
import type { Message, Refusal } from './message.ts';
import { malformedFailure, refusedFailure, silentFailure, socketFailure } from './problem.ts';
import type { Failure } from './problem.ts';
import type { Wire } from './wire.ts';

/** A message to be sent; the socket adds length, sequence number and the flags of its kind. */
export interface Request {
  readonly type: number;
  /** Beyond those that make it a request, a dump, or one to be acknowledged. */
  readonly flags?: number;
  readonly body: (writer: ByteWriter) => void;
}

/** What became of one request of a batch. `lost`: it may have been done or not, the kernel's word did not come through. */
export type Verdict =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'lost' };

export interface SocketOptions {
  readonly wire: Wire;
  readonly pause: Pause;
  /** Waits so many milliseconds. */
  readonly sleep: (milliseconds: number) => Promise<void>;
}

/** Is given each message of an answer; the view is good only during the call. */
export type TakeMessage = (view: DataView, message: Message) => void;

/** What came of a dump. `interrupted`: entries may be missing or repeated. */
export type DumpResult = { readonly ok: true; readonly interrupted: boolean } | { readonly ok: false; readonly failure: Failure };

/** Messages of nfnetlink that are applied together or not at all. */
export interface Transaction {
  /** `NFNL_SUBSYS_*`: 10 for nftables. */
  readonly subsystem: number;
  /** The generation of the rules that the messages were made for; null to apply them to whatever is there. */
  readonly generation: number | null;
  readonly messages: readonly Request[];
}

/** `bytes`: length of the datagram. `failed`: the socket's doing; where it was sent, it may have been applied or not. */
export type TransactionResult =
  | (BatchVerdict & { readonly bytes: number })
  | { readonly kind: 'failed'; readonly failure: Failure; readonly sent: boolean };

/** What is read at once: the most the kernel puts into one datagram of a dump. */
const bufferLength = 32 * 1024;
/** Requests of one batch: even if all are refused, the answers fit the receive buffer many times over. */
const batchCount = 64;
const batchBytes = 64 * 1024;
/** How much of a transaction is written before other work has its turn. */
const sliceBytes = 128 * 1024;
/** Waits for an answer or for room, doubling from one millisecond: two seconds in all. */
const mostWaits = 11;

/** Of `nlmsg_flags` in `struct nlmsghdr`. */
const flagsOffset = 6;

const mostSequence = 0x7f_ff_ff_ff;

const done: Verdict = { kind: 'done' };
const lost: Verdict = { kind: 'lost' };

/**
 * A conversation with the kernel. Calls wait for one another, in their order. Answers come with `send` already, so reading hardly ever waits,
 * and long dumps give way to other work between datagrams.
 */
export class NetlinkSocket implements Disposable {
  readonly #wire: Wire;
  readonly #pause: Pause;
  readonly #sleep: (milliseconds: number) => Promise<void>;
  readonly #buffer = new Uint8Array(bufferLength);
  #sequence = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ wire, pause, sleep }: SocketOptions) {
    this.#wire = wire;
    this.#pause = pause;
    this.#sleep = sleep;
  }

  [Symbol.dispose](): void {
    this.#wire.close();
  }

  /**
   * Sends requests in batches and waits for each batch to be acknowledged before the next. The verdicts are in the
   * order of the requests; a failure of the socket leaves `lost` for the batch and all that come after it.
   */
  submit(requests: readonly Request[]): Promise<{ readonly verdicts: readonly Verdict[]; readonly failure: Failure | null }> {
    return this.#inTurn(() => this.#submit(requests));
  }

  /** Asks for a list and hands each message of it to `take`, whose view is good only during the call. */
  dump(request: Request, what: string, take: TakeMessage): Promise<DumpResult> {
    return this.#inTurn(() => this.#converse(request, messageFlags.dump, what, take));
  }

  /** Asks for one thing, which may be answered with several messages, and reads until the request is acknowledged. */
  ask(request: Request, what: string, take: TakeMessage): Promise<DumpResult> {
    return this.#inTurn(() => this.#converse(request, messageFlags.acknowledge, what, take));
  }

  /**
   * Sends a transaction as one datagram, on a thread of its own: it waits for whoever else changes the rules. An empty
   * one is done without being sent.
   */
  transact(transaction: Transaction): Promise<TransactionResult> {
    return this.#inTurn(() => this.#transact(transaction));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(() => {
      // Well before the 32 bits of a sequence number run over, at a time when no answer is outstanding.
      if (this.#sequence > mostSequence) this.#sequence = 0;
      return work();
    });
    this.#turn = result.catch(() => null);
    return result;
  }

  async #submit(
    requests: readonly Request[],
  ): Promise<{ readonly verdicts: readonly Verdict[]; readonly failure: Failure | null }> {
    const verdicts: Verdict[] = requests.map(() => lost);
    for (let from = 0; from < requests.length;) {
      const batch = this.#encodeBatch(requests, from, messageFlags.acknowledge);
      const failure = await this.#sendAll(batch.bytes);
      if (failure !== null) return { verdicts, failure };
      const answered = await this.#readVerdicts(batch.firstSequence, batch.count, (index, verdict) => {
        verdicts[from + index] = verdict;
      });
      if (answered !== null) return { verdicts, failure: answered };
      from += batch.count;
      await this.#pause();
    }
    return { verdicts, failure: null };
  }

  async #transact(transaction: Transaction): Promise<TransactionResult> {
    const count = transaction.messages.length;
    if (count === 0) return { kind: 'done', bytes: 0 };
    const begin = this.#sequence + 1;
    const bytes = await this.#encodeTransaction(transaction);
    const what = `send a transaction of ${count} messages and ${bytes.length} bytes to the kernel`;
    // What an earlier call left unread is not about this one, an overrun above all.
    const stale = this.#drain(begin, () => {});
    if (stale.kind === 'failed') return { kind: 'failed', failure: stale.failure, sent: false };
    for (let waits = 0; ; waits += 1) {
      const result = await this.#wire.sendAside(bytes);
      if (result === 0) break;
      const full = result === -errnos.EAGAIN || result === -errnos.ENOBUFS;
      if ((!full && result !== -errnos.EINTR) || waits >= mostWaits)
        return { kind: 'failed', failure: socketFailure(what, -result), sent: false };
      if (full) await this.#sleep(2 ** waits);
    }
    // The kernel has handled all of it before it returned, so everything it has to say is there.
    const said: { index: number; refusal: Refusal }[] = [];
    const drained = this.#drain(begin, (index, refusal) => said.push({ index, refusal }));
    if (drained.kind === 'failed') return { kind: 'failed', failure: drained.failure, sent: true };
    return { ...judgeBatch(said, count, drained.overrun), bytes: bytes.length };
  }

  async #encodeTransaction({ subsystem, generation, messages }: Transaction): Promise<Uint8Array> {
    const writer = new ByteWriter(4096);
    this.#sequence += 1;
    writeBatchBegin(writer, this.#sequence, subsystem, generation);
    let slice = sliceBytes;
    for (const { type, flags = 0, body } of messages) {
      this.#sequence += 1;
      writeMessage(writer, { type, flags: flags | messageFlags.request, sequence: this.#sequence }, body);
      if (writer.length < slice) continue;
      slice = writer.length + sliceBytes;
      await this.#pause();
    }
    this.#sequence += 1;
    writeBatchEnd(writer, this.#sequence, subsystem);
    return writer.finish();
  }

  /** Reads until there is no more, handing over the refusals of a transaction. `overrun`: something was thrown away. */
  #drain(
    begin: number,
    refuse: (index: number, refusal: Refusal) => void,
  ): { readonly kind: 'drained'; readonly overrun: boolean } | { readonly kind: 'failed'; readonly failure: Failure } {
    let overrun = false;
    for (;;) {
      const length = this.#wire.receive(this.#buffer);
      if (length === -errnos.EAGAIN) return { kind: 'drained', overrun };
      if (length === -errnos.ENOBUFS || length > this.#buffer.length) overrun = true;
      else if (length >= 0) {
        const view = viewOf(this.#buffer.subarray(0, length));
        for (const message of readMessages(view).messages) {
          const answer = readAnswer(view, message);
          if (answer.kind === 'refused' && message.sequence >= begin) refuse(message.sequence - begin - 1, answer.refusal);
        }
      } else if (length !== -errnos.EINTR) {
        return { kind: 'failed', failure: socketFailure('read what the kernel says to a transaction', -length) };
      }
    }
  }

  async #converse(request: Request, kind: number, what: string, take: TakeMessage): Promise<DumpResult> {
    const { bytes, firstSequence } = this.#encodeBatch([request], 0, kind);
    const unsent = await this.#sendAll(bytes);
    if (unsent !== null) return { ok: false, failure: unsent };
    let interrupted = false;
    let overrun = false;
    for (let waits = 0; ;) {
      const length = this.#wire.receive(this.#buffer);
      if (length === -errnos.EAGAIN) {
        // After an overrun the end of the list may be among what was thrown away.
        if (overrun) return { ok: true, interrupted: true };
        if (waits >= mostWaits) return { ok: false, failure: silentFailure(what) };
        await this.#sleep(2 ** waits);
        waits += 1;
      } else if (length === -errnos.ENOBUFS) overrun = true;
      else if (length < 0 && length !== -errnos.EINTR) return { ok: false, failure: socketFailure(what, -length) };
      else if (length >= 0) {
        waits = 0;
        const end = this.#takeDatagram(length, firstSequence, what, take);
        if (end.kind === 'failed') return { ok: false, failure: end.failure };
        interrupted ||= end.interrupted;
        if (end.kind === 'end') return { ok: true, interrupted: interrupted || overrun };
        await this.#pause();
      }
    }
  }

  #takeDatagram(
    length: number,
    sequence: number,
    what: string,
    take: TakeMessage,
  ): { readonly kind: 'more' | 'end'; readonly interrupted: boolean } | { readonly kind: 'failed'; readonly failure: Failure } {
    if (length > this.#buffer.length) return { kind: 'failed', failure: malformedFailure(what) };
    const view = viewOf(this.#buffer.subarray(0, length));
    const { messages, whole } = readMessages(view);
    if (!whole) return { kind: 'failed', failure: malformedFailure(what) };
    let interrupted = false;
    for (const message of messages) {
      if (message.sequence !== sequence) continue;
      if ((message.flags & messageFlags.dumpInterrupted) !== 0) interrupted = true;
      const answer = readAnswer(view, message);
      if (answer.kind === 'data') take(view, message);
      else if (answer.kind === 'lost') interrupted = true;
      else if (answer.kind === 'acknowledged') return { kind: 'end', interrupted };
      else if (answer.kind === 'refused') return { kind: 'failed', failure: refusedFailure(what, answer.refusal) };
      else if (answer.kind === 'done') {
        if (answer.refusal === null) return { kind: 'end', interrupted };
        // A walk that a signal cut short is a dump that lacks its end.
        if (answer.refusal.errno === errnos.EINTR) return { kind: 'end', interrupted: true };
        return { kind: 'failed', failure: refusedFailure(what, answer.refusal) };
      }
    }
    return { kind: 'more', interrupted };
  }

  /** As many requests as make one batch, in one datagram with consecutive sequence numbers; the last of them has the flag of its kind. */
  #encodeBatch(
    requests: readonly Request[],
    from: number,
    kind: number,
  ): { readonly bytes: Uint8Array; readonly count: number; readonly firstSequence: number } {
    const writer = new ByteWriter(1024);
    const firstSequence = this.#sequence + 1;
    let count = 0;
    let last = 0;
    let lastFlags = 0;
    for (const request of requests.slice(from, from + batchCount)) {
      if (writer.length >= batchBytes) break;
      last = writer.length;
      lastFlags = (request.flags ?? 0) | messageFlags.request;
      this.#sequence += 1;
      writeMessage(writer, { type: request.type, flags: lastFlags, sequence: this.#sequence }, request.body);
      count += 1;
    }
    writer.patchU16(last + flagsOffset, lastFlags | kind);
    return { bytes: writer.finish(), count, firstSequence };
  }

  /** Sends a datagram, waiting while the kernel has no room for it. */
  async #sendAll(bytes: Uint8Array): Promise<Failure | null> {
    for (let waits = 0; ; waits += 1) {
      const result = this.#wire.send(bytes);
      if (result === 0) return null;
      const full = result === -errnos.EAGAIN || result === -errnos.ENOBUFS;
      if ((!full && result !== -errnos.EINTR) || waits >= mostWaits) return socketFailure('send to the kernel', -result);
      if (full) await this.#sleep(2 ** waits);
    }
  }

  /**
   * Reads until the last request of a batch has its verdict: the kernel handles them in their order and refuses without being
   * asked for it, so the others that it said nothing of are done, unless something was thrown away.
   */
  async #readVerdicts(
    firstSequence: number,
    count: number,
    settle: (index: number, verdict: Verdict) => void,
  ): Promise<Failure | null> {
    const told = new Map<number, Verdict>();
    let overrun = false;
    for (let waits = 0; !told.has(count - 1);) {
      const length = this.#wire.receive(this.#buffer);
      if (length === -errnos.ENOBUFS) overrun = true;
      else if (length === -errnos.EAGAIN) {
        // After an overrun, what is not there by now was thrown away.
        if (overrun) break;
        if (waits >= mostWaits) return silentFailure('acknowledge requests');
        await this.#sleep(2 ** waits);
        waits += 1;
      } else if (length > this.#buffer.length) return malformedFailure('a batch of requests');
      else if (length >= 0) this.#readTold(length, firstSequence, told);
      else if (length !== -errnos.EINTR) return socketFailure('read from the kernel', -length);
    }
    for (let index = 0; index < count; index += 1) settle(index, told.get(index) ?? (overrun ? lost : done));
    return null;
  }

  #readTold(length: number, firstSequence: number, told: Map<number, Verdict>): void {
    const view = viewOf(this.#buffer.subarray(0, length));
    for (const message of readMessages(view).messages) {
      const answer = readAnswer(view, message);
      if (answer.kind === 'acknowledged') told.set(message.sequence - firstSequence, done);
      else if (answer.kind === 'refused')
        told.set(message.sequence - firstSequence, { kind: 'refused', refusal: answer.refusal });
    }
  }
}

import type { AnswerMessage, Peer, StreamLimits } from './listen-contract.ts';
import { FrameReader } from './stream-frames.ts';

/** This side of a connection, as much of it as is used here. */
export interface StreamEnd {
  /** The kernel does not take what was written: nothing more should be read until it has. */
  readonly isFull: boolean;
  /** Octets that the kernel has not taken. */
  readonly waiting: number;
  /** Writes octets, which belong to the stream from now on. */
  write(bytes: Uint8Array): void;
  pause(): void;
  resume(): void;
  /** Closes when all that was written has gone out. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
}

export interface ConnectionOptions {
  readonly end: StreamEnd;
  readonly peer: Peer;
  readonly local: { readonly port: number };
  readonly answer: AnswerMessage;
  readonly limits: StreamLimits;
  readonly now: () => number;
}

/** Shorter than a header: nobody can answer it. */
const shortestMessage = 12;
const longestMessage = 65_535;
/** A client that asks and does not read is closed when so much waits for it. */
const mostWaiting = 1024 * 1024;
/** Answers that are gathered for one write; few questions may ask for much. */
const mostGathered = 16 * 1024;

/**
 * One TCP connection of a client (RFC 7766): takes its messages, writes answers in the order in which they are ready, and
 * knows when it has been long enough. Time is looked at when something happens and when `isExpired` is asked.
 */
export class StreamConnection {
  readonly #options: ConnectionOptions;
  readonly #frames = new FrameReader();
  readonly #opened: number;
  /** When the message began that is not complete. */
  #begun = 0;
  #lastActivity: number;
  #messages = 0;
  #outstanding = 0;
  #paused = false;
  /** Messages are being taken: answers are gathered meanwhile, for one write. */
  #taking = false;
  #gathered: Uint8Array[] = [];
  #gatheredLength = 0;
  /** Nothing more comes: the client closed its side, or this side takes no more. */
  #finished = false;
  #finishedAt = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#opened = options.now();
    this.#lastActivity = this.#opened;
  }

  /** When the last message was complete or the last answer given. */
  get lastActivity(): number {
    return this.#lastActivity;
  }

  /** Messages without an answer. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** Takes octets that came. */
  take(chunk: Uint8Array): void {
    if (this.#closed || this.#finishedAt !== Number.POSITIVE_INFINITY) return;
    if (!this.#frames.isPartial) this.#begun = this.#options.now();
    this.#frames.push(chunk);
    this.#proceed();
  }

  /** The client sends no more; it gets its answers all the same. */
  finish(): void {
    this.#finished = true;
    this.#proceed();
  }

  /** The kernel has taken what was written. */
  drained(): void {
    this.#proceed();
  }

  /** Takes no more messages, and closes when those taken are answered. */
  retire(): void {
    this.#finishedAt = Math.min(this.#finishedAt, this.#options.now());
    this.#finished = true;
    this.#proceed();
  }

  /** Whether a limit of time is over (specification 9.4). */
  isExpired(now: number): boolean {
    const { messageMs, idleMs } = this.#options.limits;
    if (now - this.#lastActivity >= idleMs || now - this.#finishedAt >= messageMs) return true;
    if (this.#finished || this.#paused) return false;
    if (this.#messages === 0) return now - this.#opened >= messageMs;
    // From the beginning of the message, not from its last octet: a sender that trickles gains nothing.
    return this.#frames.isPartial && now - this.#begun >= messageMs;
  }

  /** Closes at once. */
  destroy(): void {
    this.#closed = true;
    this.#options.end.destroy();
  }

  /** The connection is no more, whoever closed it; answers that come later go nowhere. */
  closed(): void {
    this.#closed = true;
  }

  get #isBlocked(): boolean {
    return this.#outstanding >= this.#options.limits.outstanding || this.#options.end.isFull;
  }

  #proceed(): void {
    if (this.#taking || this.#closed) return;
    const exhausted = this.#takeMessages();
    const { end } = this.#options;
    if (this.#closed) return;
    if (this.#finished) {
      if ((exhausted || this.#finishedAt !== Number.POSITIVE_INFINITY) && this.#outstanding === 0) {
        this.#closed = true;
        end.end();
      }
      return;
    }
    const paused = this.#isBlocked;
    if (paused === this.#paused) return;
    this.#paused = paused;
    if (paused) return end.pause();
    // The client could not go on with its message while nothing was read.
    this.#begun = this.#options.now();
    end.resume();
  }

  /** Takes messages until there is none or no more may be taken; true where there is none. */
  #takeMessages(): boolean {
    let exhausted = false;
    this.#taking = true;
    while (!this.#closed && !this.#isBlocked && this.#finishedAt === Number.POSITIVE_INFINITY) {
      const message = this.#frames.next();
      if (message === null) {
        exhausted = true;
        break;
      }
      this.#begun = this.#options.now();
      if (message.length >= shortestMessage) this.#ask(message);
    }
    this.#taking = false;
    this.#writeGathered();
    return exhausted;
  }

  #ask(message: Uint8Array): void {
    const { answer, peer, local, now } = this.#options;
    let asked = true;
    this.#messages += 1;
    this.#outstanding += 1;
    this.#lastActivity = now();
    answer(message, peer, local, (bytes) => {
      if (!asked) return;
      asked = false;
      this.#settle(bytes);
    });
  }

  #settle(bytes: Uint8Array): void {
    this.#outstanding -= 1;
    if (this.#closed) return;
    this.#lastActivity = this.#options.now();
    if (bytes.length > 0) {
      this.#gather(frame(bytes));
      if (!this.#taking || this.#gatheredLength >= mostGathered) this.#writeGathered();
    }
    this.#proceed();
  }

  #gather(framed: Uint8Array): void {
    this.#gathered.push(framed);
    this.#gatheredLength += framed.length;
  }

  #writeGathered(): void {
    const [first, ...more] = this.#gathered;
    if (first === undefined) return;
    this.#gathered = [];
    this.#gatheredLength = 0;
    this.#write(more.length === 0 ? first : Buffer.concat([first, ...more]));
  }

  #write(bytes: Uint8Array): void {
    const { end } = this.#options;
    if (this.#closed) return;
    end.write(bytes);
    if (end.waiting > mostWaiting) this.destroy();
  }
}

/** A copy with the length before it: one segment, where client and network let it (RFC 7766 8). */
function frame(bytes: Uint8Array): Uint8Array {
  if (bytes.length > longestMessage) throw new RangeError(`${bytes.length} octets are more than a DNS message over TCP can have`);
  const framed = Buffer.allocUnsafe(bytes.length + 2);
  framed[0] = bytes.length >> 8;
  framed[1] = bytes.length & 0xff;
  framed.set(bytes, 2);
  return framed;
}

import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Clock } from '../model/mod.ts';
import { StreamFrames, frame } from './forward-frames.ts';
import type { ReplyListener } from './forward-ports.ts';
import type { Upstream } from './settings.ts';

/** A query on a connection. */
export interface Exchange {
  readonly id: number;
  readonly query: Uint8Array;
  readonly listener: ReplyListener;
  connection: UpstreamConnection;
  /** Its connection was opened for it, so that the end of that says something about the upstream. */
  fresh: boolean;
  /** When it was sent. */
  since: number;
}

/** One TCP connection to an upstream with queries of several askers on it, answered in any order (RFC 7766 6.2.1.1). */
export class UpstreamConnection {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #expireMs: number;
  readonly #onEnd: (lost: readonly Exchange[], reason: string) => void;
  readonly #waiting = new Map<number, Exchange>();
  readonly #frames = new StreamFrames();
  #heardAt: number;
  #stopIdle: (() => void) | null = null;
  #ended = false;

  /** `onEnd` is told once what was waited for in vain. */
  constructor(to: Upstream, clock: Clock, expireMs: number, onEnd: (lost: readonly Exchange[], reason: string) => void) {
    this.#clock = clock;
    this.#expireMs = expireMs;
    this.#onEnd = onEnd;
    this.#heardAt = clock.now();
    this.#socket = connect({ host: to.address, port: to.port, noDelay: true });
    this.#socket.on('data', (chunk) => this.#read(chunk));
    this.#socket.on('error', (error) => this.#end('code' in error ? String(error.code) : error.message));
    this.#socket.on('end', () => this.#end('closed by the upstream'));
    this.#socket.on('close', () => this.#end('closed'));
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether something has been waited for so long without a word that the other side may be gone. */
  isSilent(longMs: number): boolean {
    const [oldest] = this.#waiting.values();
    return oldest !== undefined && this.#clock.now() - Math.max(oldest.since, this.#heardAt) >= longMs;
  }

  /** Whether a query with this id can be told from the others. */
  takes(id: number): boolean {
    return !this.#ended && !this.#waiting.has(id);
  }

  send(exchange: Exchange): void {
    this.#stopIdle?.();
    this.#stopIdle = null;
    this.#waiting.set(exchange.id, exchange);
    this.#socket.write(frame(exchange.query));
  }

  /** Nobody waits for this one any more. */
  forget(exchange: Exchange): void {
    if (this.#waiting.get(exchange.id) !== exchange) return;
    this.#waiting.delete(exchange.id);
    // Not a word since: whether it is dead shall not be for the next query to find out.
    if (this.#heardAt <= exchange.since && this.#waiting.size === 0) this.#end('silent');
    else this.#rest();
  }

  close(): void {
    this.#end('closed');
  }

  #read(chunk: Uint8Array): void {
    this.#heardAt = this.#clock.now();
    this.#frames.push(chunk, (message) => {
      const exchange = this.#waiting.get(((message[0] ?? 0) << 8) | (message[1] ?? 0));
      if (exchange === undefined || !exchange.listener.take(message)) return;
      if (this.#waiting.get(exchange.id) === exchange) this.#waiting.delete(exchange.id);
      this.#rest();
    });
  }

  #rest(): void {
    if (this.#ended || this.#waiting.size > 0 || this.#stopIdle !== null) return;
    this.#stopIdle = this.#clock.after(this.#expireMs, () => this.#end('idle'));
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopIdle?.();
    this.#socket.destroy();
    const lost = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#onEnd(lost, reason);
  }
}

import type { Clock } from '../model/mod.ts';
import type { Upstream } from './settings.ts';

/** What a transport tells whoever sent a query. */
export interface ReplyListener {
  /** A message from the upstream's own address and port. True: it is the reply, nothing more is wanted. */
  take(bytes: Uint8Array): boolean;
  /** The transport gave up: a refused port, a reset, no route. Comes once at most and never behind a reply taken. */
  failed(reason: string): void;
}

/** One way to upstreams: UDP or TCP. */
export interface UpstreamTransport {
  /** Sends a query and listens until a message is taken, the transport fails or the result is called. Never calls back at once. */
  send(to: Upstream, query: Uint8Array, listener: ReplyListener): () => void;
  close(): void;
}

/** Counts of specification 19; `to` is `10.0.0.53:53`. */
export interface ForwardObserver {
  request(to: string, rcode: number, seconds: number): void;
  healthcheckFailure(to: string): void;
  /** All upstreams are down. */
  healthcheckBroken(): void;
  /** More than `max_concurrent` at once. */
  reject(): void;
  connHit(to: string, protocol: 'udp' | 'tcp'): void;
  connMiss(to: string, protocol: 'udp' | 'tcp'): void;
}

/** Milliseconds. */
export interface ForwardTiming {
  /** How long one attempt is waited for before the next upstream is asked. */
  readonly attemptMs: number;
  /** How long a question may take altogether. */
  readonly budgetMs: number;
  /** How long a probe is waited for. */
  readonly probeMs: number;
}

/** Specification 11.3 and 11.4. Clients of glibc give up after 5 s and ask again; the second time finds a cached failure. */
export const forwardTiming: ForwardTiming = { attemptMs: 2000, budgetMs: 6000, probeMs: 1000 };

export interface ForwardPorts {
  readonly clock: Clock;
  /** A whole number from 0 to below the limit, from a source that cannot be guessed (RFC 5452 9.2). */
  readonly random: (limit: number) => number;
  readonly udp: UpstreamTransport;
  readonly tcp: UpstreamTransport;
  readonly observer: ForwardObserver;
  readonly timing: ForwardTiming;
}

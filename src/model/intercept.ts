import type { Address } from './address.ts';
import type { PodTraffic } from './data-plane.ts';
import type { Outcome } from './outcome.ts';
import type { Protocol } from './port.ts';

/**
 * Interception: packets of this node's own clients to some addresses and ports are taken to a socket of the agent,
 * without connection tracking and before anything that balances Services sees them. Values only, so that the room that
 * wants it knows no packet filter and the room that writes it no DNS.
 */

/** Packets to `port` of an address go to the socket at `listenPort` of the same address, and replies leave from `port`. */
export interface Capture {
  readonly address: Address;
  readonly protocol: Exclude<Protocol, 'SCTP'>;
  readonly port: number;
  /**
   * The same as `port` for an address that is nobody else's: nothing is rewritten then, and nothing takes the place of
   * the agent when it is gone.
   */
  readonly listenPort: number;
}

export interface InterceptWish {
  readonly captures: readonly Capture[];
  /**
   * Clients besides the processes of the node: any of these is enough. Packets of others go their ordinary way, and
   * nobody reaches a `listenPort` but by a capture.
   */
  readonly clients: readonly PodTraffic[];
}

/**
 * The packet filter's part of an interception. It lasts only while it is renewed, so that clients of an agent that is
 * gone or hangs go the ordinary way again: at once where the kernel lets a process own what it wrote (Linux 5.12),
 * after {@link interceptLease} else. Calls are never concurrent, except {@link InterceptRules.beat}.
 */
export interface InterceptRules {
  /** Writes the whole of a wish, in one step, and beats. */
  set(wish: InterceptWish): Promise<Outcome<void>>;
  /** Renews the lease. Costs one datagram on the loopback interface; the rules themselves do not change. */
  beat(): void;
  /** Whether the kernel still has what `set` wrote last. */
  check(): Promise<Outcome<boolean>>;
  /**
   * Ends the lease at once: nothing more is captured, while replies to what was captured still leave from the port that
   * was asked. To be cleared when the sockets are done.
   */
  release(): Promise<Outcome<void>>;
  /** Withdraws everything; nothing there is no failure. */
  clear(): Promise<Outcome<void>>;
  /** Ends the beats. Rules that nobody owns stay, and stop with the lease. */
  close(): Promise<void>;
}

/** How long an interception lasts without a beat, and how often to beat. */
export const interceptLease = { seconds: 2, beatMs: 500 } as const;

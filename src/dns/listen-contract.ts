import type { Address } from '../model/mod.ts';

/** Who sent a datagram or opened a connection. One object is used again for each message: read it at once or copy. */
export interface Peer {
  /** Holds the octets of the address in network order, 4 or 16 of them, from `offset`. */
  readonly buffer: Uint8Array;
  readonly offset: number;
  readonly octets: 4 | 16;
  readonly port: number;
}

/** Where a reply goes later. Opaque; good for the socket that gave it. */
export type ReturnPath = unknown;

/** An open UDP socket. */
export interface DatagramSocket {
  readonly address: Address;
  readonly port: number;
  /** A copy of the way back to the peer of the message in hand, for a reply that comes later. */
  keepPath(): ReturnPath;
  /** Sends a reply that was not ready at once. A full socket buffer loses it, as UDP does. */
  send(path: ReturnPath, bytes: Uint8Array): void;
  close(): void;
}

/**
 * Answers one datagram, `length` octets from `start` of `input`. Writes the reply to `out` from `outStart`, where there is
 * room for `largestDatagram` octets, and gives its length; 0: no reply, or one that `send` will bring. Both may be the same place.
 * Never throws.
 */
export type AnswerDatagram = (
  socket: DatagramSocket,
  input: Uint8Array,
  start: number,
  length: number,
  peer: Peer,
  out: Uint8Array,
  outStart: number,
) => number;

/** Room for one reply over UDP; above every limit that can be configured (specification 8.1). */
export const largestDatagram = 4096;

/**
 * Answers one message that came over TCP, without its length prefix. `reply` is called once, now or later: with the reply,
 * of which a copy is made, or with no octets where there is none. One that never comes holds a place of `outstanding`.
 */
export type AnswerMessage = (
  input: Uint8Array,
  peer: Peer,
  local: { readonly port: number },
  reply: (bytes: Uint8Array) => void,
) => void;

/** Limits of TCP, specification 9.4. Milliseconds. */
export interface StreamLimits {
  /** Until the first message is complete, and from the first octet to the last of each later one. */
  readonly messageMs: number;
  /** Since the last message or reply. */
  readonly idleMs: number;
  /** Connections of all listeners together; beyond it the one that was idle for longest is closed. */
  readonly connections: number;
  /** Messages of one connection that have no reply yet; beyond it nothing more is read. */
  readonly outstanding: number;
}

export interface StreamListener {
  readonly address: Address;
  readonly port: number;
  close(): Promise<void>;
}

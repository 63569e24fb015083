import type { Name } from './name.ts';
import type { ResourceRecord } from './record.ts';

/** A whole message that was decoded: replies of upstreams, and what tests look at. */
export interface Message {
  readonly id: number;
  readonly response: boolean;
  readonly opcode: number;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly recursionDesired: boolean;
  readonly recursionAvailable: boolean;
  readonly authenticData: boolean;
  readonly checkingDisabled: boolean;
  /** With the upper bits of an OPT record. */
  readonly rcode: number;
  readonly questions: readonly Question[];
  /** Without OPT. Names, those in RDATA of RFC 1035's types included, are whole. */
  readonly answer: readonly ResourceRecord[];
  readonly authority: readonly ResourceRecord[];
  readonly additional: readonly ResourceRecord[];
  /** Null without an OPT record. */
  readonly edns: Edns | null;
}

export interface Question {
  /** As spelled. */
  readonly name: Name;
  readonly type: number;
  readonly class: number;
}

export interface Edns {
  readonly version: number;
  readonly udpSize: number;
  readonly dnssecOk: boolean;
  /** The options in wire form. */
  readonly options: Uint8Array;
}

import { addressBytes } from '../model/mod.ts';
import type { Address, Family } from '../model/mod.ts';
import type { ConntrackState, TransportName } from './rule.ts';

/** The first packet of a connection. */
export interface TracePacket {
  readonly family: Family;
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: TransportName;
  /** 40000 where not given. */
  readonly sourcePort?: number;
  readonly destinationPort: number;
  /** Null: sent by a process on this node. */
  readonly inInterface: string | null;
  readonly mark: number;
}

/** What the rules ask about and the ruleset does not hold. */
export interface TraceEnvironment {
  /** Addresses of type LOCAL; loopback addresses always are. */
  readonly localAddresses: readonly Address[];
  /** Where packets to an address that is not local leave, and the primary address there; null: no route. */
  route(destination: Address): { readonly outInterface: string; readonly sourceAddress: Address } | null;
  /** What connection tracking says at first; NEW where not given. Anything else passes by the nat table. */
  readonly ctstate?: ConntrackState;
  /** Names of the ipsets and `recent` lists that hold the source, fresh enough for any time limit. */
  readonly clientSets?: ReadonlySet<string>;
}

/** A packet on its way, in one of the ways random matches can go. */
export interface World {
  readonly packet: Required<TracePacket>;
  readonly inInterface: string;
  readonly outInterface: string;
  /** Whether the connection's destination or source is translated. */
  readonly translated: { readonly destination: boolean; readonly source: boolean };
  readonly clientSets: ReadonlySet<string>;
  readonly probability: number;
  /** Rules compared so far, in all tables. */
  readonly evaluated: number;
  readonly path: PathStep | null;
}

/** The rules that matched, last first. */
export interface PathStep {
  readonly text: string;
  readonly before: PathStep | null;
}

const protocolNumbers: Readonly<Record<TransportName, number>> = { tcp: 6, udp: 17, sctp: 132 };

/** The packet's IP header without options, and its two ports. */
export function packetImage({
  family,
  source,
  destination,
  protocol,
  sourcePort,
  destinationPort,
}: Required<TracePacket>): Uint8Array {
  const six = family === 'IPv6';
  const ports = six ? 40 : 20;
  const bytes = new Uint8Array(ports + 8);
  const view = new DataView(bytes.buffer);
  bytes[0] = six ? 0x60 : 0x45;
  view.setUint16(six ? 4 : 2, six ? 8 : bytes.length);
  bytes[six ? 7 : 8] = 64;
  bytes[six ? 6 : 9] = protocolNumbers[protocol];
  bytes.set(addressBytes(source), six ? 8 : 12);
  bytes.set(addressBytes(destination), six ? 24 : 16);
  view.setUint16(ports, sourcePort);
  view.setUint16(ports + 2, destinationPort);
  return bytes;
}

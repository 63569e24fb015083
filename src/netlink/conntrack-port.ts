import type { Address, Family, Outcome, Problem, Protocol } from '../model/mod.ts';

/** As much of a tracked connection as it takes to judge it and to delete exactly it. */
export interface ConntrackFlow {
  readonly family: Family;
  readonly protocol: Protocol;
  /** Who sent the first packet. */
  readonly source: Address;
  readonly sourcePort: number;
  /** Where that packet was sent to, before any translation. */
  readonly destination: Address;
  readonly destinationPort: number;
  /** Who answers, after translation; equal to the destination where nothing was translated. */
  readonly replySource: Address;
  readonly replySourcePort: number;
  /** Zone of the whole entry; 0 is the default zone. */
  readonly zone: number;
  /** Zone of the original direction alone, as `-j CT --zone-orig` sets it. */
  readonly originalZone: number;
  /** Tells the entry from a later one with the same addresses and ports; null where the kernel gave none. */
  readonly id: number | null;
}

/** Which entries to list. */
export interface ConntrackQuery {
  readonly family: Family;
  readonly protocol: Protocol;
  /** Only flows sent to one of these ports are built and returned. */
  readonly destinationPorts: ReadonlySet<number>;
}

export interface ConntrackListing {
  readonly flows: readonly ConntrackFlow[];
  /** False where the table kept changing under every attempt, so that flows may be missing. */
  readonly complete: boolean;
}

/** What came of a removal. Flows that were neither removed nor gone met the problem. */
export interface ConntrackRemoval {
  readonly removed: number;
  /** Flows that had ended by themselves, or whose tuple belongs to a later flow by now. */
  readonly gone: number;
  /** The first refusal; null if there was none. */
  readonly problem: Problem | null;
}

/** The connection tracking table of the network namespace this process runs in. */
export interface ConntrackPort {
  /** One dump of a family. Fails with a `WP_NETLINK_*` code and never throws for what the kernel says. */
  list(query: ConntrackQuery): Promise<Outcome<ConntrackListing>>;
  /** Deletes exactly these entries. */
  remove(flows: readonly ConntrackFlow[]): Promise<ConntrackRemoval>;
}

import type { Address } from './address.ts';
import type { Difference } from './difference.ts';
import type { Family } from './family.ts';
import type { Frontend } from './frontend.ts';
import type { Outcome, Problem } from './outcome.ts';
import type { PeerSettings } from './peers.ts';
import type { Prefix } from './prefix.ts';
import type { ServiceKey } from './records.ts';
import type { ServerConnections, ServerStatistics } from './status.ts';

/** The word that `/proxyMode` answers and `--proxy-mode` takes. */
export type ProxyMode = 'iptables' | 'ipvs' | 'nftables';

/** How pod traffic is told from other traffic in one family (specification 4.2). */
export type PodTraffic =
  | { readonly kind: 'none' }
  | { readonly kind: 'source'; readonly prefix: Prefix }
  | { readonly kind: 'interface'; readonly name: string }
  | { readonly kind: 'interface-prefix'; readonly prefix: string };

/** Which local destination addresses accept node ports (specification 2.1). */
export type NodePortAddresses =
  | { readonly kind: 'all-local'; readonly loopback: boolean }
  | { readonly kind: 'listed'; readonly addresses: readonly Address[] };

/** What all frontends of a family share. */
export interface DataPlaneSettings {
  readonly podTraffic: PodTraffic;
  readonly nodePorts: NodePortAddresses;
  /** Bit number 0-31 of the packet mark that carries the masquerade decision. */
  readonly masqueradeBit: number;
  /** The node's own address of the family: what its processes send from to addresses of Services. Null while unknown. */
  readonly nodeAddress: Address | null;
  /** Absent: nobody sends anything on to this node. */
  readonly peers?: PeerSettings;
}

/** A change of the wish. */
export interface Change {
  readonly settings: DataPlaneSettings;
  /** The frontends of each named Service; an empty list removes the Service. */
  readonly services: ReadonlyMap<ServiceKey, readonly Frontend[]>;
  /** `services` is the whole wish: whatever of ours it does not name is to go. */
  readonly complete: boolean;
}

/** What came of a change or an audit. */
export interface ApplyReport {
  /** Set when nothing could be confirmed, whichever Service it was for. */
  readonly problem: Problem | null;
  /** Services that the kernel did not accept; all others of the change are in the kernel. */
  readonly failed: ReadonlyMap<ServiceKey, Problem>;
  /** Kernel objects written or removed; 0 when the kernel was right already. */
  readonly operations: number;
  /** Bytes handed to the kernel or to its tool. */
  readonly bytes: number;
  /** Milliseconds spent deciding, waiting for the kernel not included. */
  readonly planMs: number;
  /** Rules by table, where the kernel's objects are rules in tables. */
  readonly rules?: readonly RuleCount[];
}

/** Rules of one table. */
export interface RuleCount {
  readonly table: string;
  /** In the chains that are ours. */
  readonly total: number;
  /** Written by this change or audit. */
  readonly last: number;
}

/** Where UDP was served: at an address or, with null, at every address of the node that accepts node ports. */
export interface DatagramTarget {
  readonly address: Address | null;
  readonly port: number;
}

/** A kube-proxy that works on this node while ours is cleaned away. */
export interface Neighbour {
  /** Those on its interface: virtual servers on them are its own by now. Empty: it balances without virtual servers. */
  readonly addresses: ReadonlySet<Address>;
}

/**
 * A data plane of one family. Calls are never concurrent, `look` excepted. What a report names as failed has not become
 * part of the wish: the kernel keeps what it had of that Service until the caller applies it again.
 */
export interface DataPlane {
  readonly mode: ProxyMode;
  readonly family: Family;
  /** Reads what the kernel holds of ours and remembers it; writes nothing. Called before the first `apply`. */
  read(): Promise<Outcome<void>>;
  apply(change: Change): Promise<ApplyReport>;
  /** Reads the kernel again and repairs every difference from the wish. */
  audit(): Promise<ApplyReport>;
  /**
   * Reads the kernel for the next `audit`, which then has less to wait for; any other call may be made meanwhile. Where it cannot
   * be read, that audit tries again and says so. Absent where reading is quick.
   */
  look?(): Promise<void>;
  /**
   * Reads the kernel again and names every difference from what was last applied, as `audit` would find them. Writes nothing
   * and remembers nothing: what is called next does what it would have done. Empty before the first `apply`.
   */
  compare(): Promise<Outcome<readonly Difference[]>>;
  /**
   * Removes everything of ours from the kernel, needing no earlier `read`. The value says what was removed. With a neighbour
   * what that has written, or has taken over from us, stays.
   */
  cleanup(neighbour?: Neighbour | null): Promise<Outcome<readonly string[]>>;
  /**
   * Another data plane serves from now on: new connections are left to it, and established ones go on until `cleanup`.
   * Needs no earlier `read`. The value says whose flows still lead here: UDP has no end that could be waited for. Absent
   * where connections outlive a `cleanup`.
   */
  stepAside?(settings: DataPlaneSettings): Promise<Outcome<readonly DatagramTarget[]>>;
  /** Reads the kernel's connection counts; absent where the kernel keeps none by back end. */
  connections?(): Promise<Outcome<readonly ServerConnections[]>>;
  /** Costs nothing; absent where there are no virtual servers. */
  statistics?(): ServerStatistics;
}

import type { Family } from './family.ts';
import type { FrontendKind } from './frontend.ts';
import type { Problem } from './outcome.ts';
import type { Protocol } from './port.ts';
import type { ServiceKey } from './records.ts';
import type { TrafficCounters } from './traffic.ts';

/** The kernel has not confirmed it yet; it has; or it refused. */
export type RowState = 'Pending' | 'Done' | 'Error';

/** One frontend and what became of it: what the command line, metrics, health and tests read. */
export interface StatusRow {
  readonly family: Family;
  readonly service: ServiceKey;
  /** `namespace/name:port-name/protocol`. */
  readonly servicePort: string;
  readonly kind: FrontendKind;
  /** The address, or `*` for a node port. */
  readonly address: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** Back ends that traffic from outside the cluster is spread over. */
  readonly backends: number;
  /** What becomes of a new connection from outside. */
  readonly verdict: 'forward' | 'reject' | 'drop';
  readonly state: RowState;
  /** Milliseconds since 1970 when the state was entered. */
  readonly since: number;
  /** Empty unless the state is `Error`. */
  readonly reason: string;
  /** Stable code of the reason, or empty. */
  readonly code: string;
}

/** All rows of one Service, of every family; none: it is gone. */
export interface ServiceRows {
  readonly service: ServiceKey;
  readonly rows: readonly StatusRow[];
}

/** Follows the rows of all Services for one reader: holds names alone, so a slow reader costs no more than a quick one. */
export interface RowWatch {
  /** As many Services at most whose rows changed since they were last taken, as they are now; at first all of them. */
  take(limit: number): readonly ServiceRows[];
  /** How many are still to be taken. */
  readonly waiting: number;
  close(): void;
}

/** How one family's data plane stands (specification 7.1). Times are milliseconds since 1970. */
export interface FamilyHealth {
  readonly family: Family;
  /** Last success, or null before the first. */
  readonly lastUpdated: number | null;
  /** Since when a change waits for the kernel, or null if none does. */
  readonly pendingSince: number | null;
}

/** What a balancer in the kernel counts for one back end: connections that are there, and all that passed. */
export interface BackendConnections extends TrafficCounters {
  /** Established, of TCP and SCTP. */
  readonly active: number;
  /** Everything else, UDP included; TCP stays here for two minutes after its end. */
  readonly inactive: number;
  /** Clients that are remembered for it. */
  readonly persistent: number;
}

/** A back end of a virtual server, as the kernel has it. */
export interface DestinationConnections extends BackendConnections {
  /** `10.244.1.2:8080`. */
  readonly endpoint: string;
  readonly weight: number;
  /** It left and serves the connections that it has. */
  readonly draining: boolean;
}

/** A virtual server, as the kernel has it. */
export interface ServerConnections {
  /** `TCP 10.96.0.1:443`, or `FWM 1459617808 IPv4`. */
  readonly server: string;
  /** Null for another program's. */
  readonly service: ServiceKey | null;
  readonly destinations: readonly DestinationConnections[];
}

/** What a data plane of virtual servers knows of its own work without asking the kernel. */
export interface ServerStatistics {
  /** Virtual servers at the last look, by whose they are. */
  readonly servers: { readonly own: number; readonly foreign: number };
  /** Destinations of the own ones. */
  readonly destinations: number;
  readonly draining: number;
  /** Seconds since the oldest drain under way began; 0 without any. */
  readonly oldestDrainSeconds: number;
  /** Kernel objects that the last complete comparison changed. */
  readonly resyncChanges: number;
  /** Refusals since the start, by code. */
  readonly errors: ReadonlyMap<Problem['code'], number>;
}

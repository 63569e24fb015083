import type { Family } from './family.ts';
import type { FrontendKind } from './frontend.ts';
import type { Protocol } from './port.ts';
import type { ServiceKey } from './records.ts';

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

/** How one family's data plane stands (specification 7.1). Times are milliseconds since 1970. */
export interface FamilyHealth {
  readonly family: Family;
  /** Last success, or null before the first. */
  readonly lastUpdated: number | null;
  /** Since when a change waits for the kernel, or null if none does. */
  readonly pendingSince: number | null;
}

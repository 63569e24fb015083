import type { Family, Problem, ServerConnections, StatusRow } from '../model/mod.ts';

/** What `GET /services` answers. */
export interface StatusReport {
  readonly mode: string;
  /** The first complete sync is done. */
  readonly synced: boolean;
  readonly rows: readonly StatusRow[];
}

/** The virtual servers of one family. */
export interface FamilyConnections {
  readonly family: Family;
  readonly servers: readonly ServerConnections[];
}

/** What `GET /connections` answers. */
export interface ConnectionsReport {
  readonly mode: string;
  /** Empty in modes in which the kernel counts no connections by back end. */
  readonly families: readonly FamilyConnections[];
  /** Why a family is missing. */
  readonly problems: readonly Pick<Problem, 'code' | 'message'>[];
}

import type { Family, RowState, ServiceRows } from '../../model/mod.ts';

/*
 * What travels from the agent to the status page, as server-sent events named after the fields of `FeedEvents`. Times are
 * milliseconds since 1970 by the agent's clock.
 */

/** The agent in one look: what `/status` tells, as far as the page shows it. */
export interface PageSummary {
  readonly agent: { readonly version: string; readonly mode: string; readonly node: string; readonly startedAt: number };
  readonly synced: boolean;
  readonly nodeEligible: boolean;
  readonly families: readonly FamilySummary[];
  readonly dns: { readonly configured: boolean; readonly running: boolean; readonly ready: boolean };
  readonly ingress: { readonly running: boolean; readonly publications: number };
  readonly problems: readonly SummaryProblem[];
  /** The kernel counts connections by back end in this mode. */
  readonly countsConnections: boolean;
}

export interface FamilySummary {
  readonly family: Family;
  readonly lastUpdated: number | null;
  readonly pendingSince: number | null;
  readonly healthy: boolean;
  readonly frontends: Readonly<Record<RowState, number>>;
}

export interface SummaryProblem {
  readonly code: string;
  readonly message: string;
  readonly at: number;
  readonly times: number;
}

/** What passed in a second: new connections, and packets and octets from clients and to them. In one list, for there are many. */
export type TrafficRates = readonly [
  connections: number,
  inPackets: number,
  outPackets: number,
  inBytes: number,
  outBytes: number,
];

/** Connections of a Service, or of one of its endpoints, over all its virtual servers. */
export interface Counts {
  readonly active: number;
  readonly inactive: number;
  readonly persistent: number;
  /** By how much `active` grew in a second. */
  readonly perSecond: number;
  /** Null: not known, at the first look for one. */
  readonly traffic: TrafficRates | null;
  readonly draining: boolean;
}

export interface ServiceCounts extends Counts {
  readonly service: string;
  /** By `10.244.1.2:8080`. */
  readonly endpoints: readonly (Counts & { readonly endpoint: string })[];
}

/** Totals of the resolver since it started. */
export interface DnsFigures {
  readonly queries: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
  /** Replies by response code, the most frequent first. */
  readonly rcodes: readonly (readonly [string, number])[];
}

export interface FeedEvents {
  /** A new picture begins: what follows until `ready` is everything. */
  readonly hello: { readonly now: number };
  readonly summary: PageSummary;
  /** Services whose rows changed; one without rows is gone. */
  readonly rows: readonly ServiceRows[];
  /** All Services have been sent once. */
  readonly ready: Readonly<Record<string, never>>;
  /** Services whose counts changed; null: it is counted no longer. */
  readonly connections: Readonly<Record<string, ServiceCounts | null>>;
  /** Why the connections of a family are missing. */
  readonly uncounted: readonly { readonly message: string }[];
  readonly dns: DnsFigures;
  /** A sign of life. */
  readonly beat: { readonly now: number };
}

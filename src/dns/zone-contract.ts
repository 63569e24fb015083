import type { Name } from './name.ts';
import type { Answer } from './record.ts';
import type { ZoneChange } from './zone-input.ts';

/**
 * How long an answer of a zone holds. Whoever keeps an answer looks before each use; the zone ends the lease when a change
 * might make the answer another one.
 */
export interface Lease {
  readonly live: boolean;
}

/** What our own zones say to a question. */
export interface ZoneAnswer extends Answer {
  readonly lease: Lease;
  /** The end of a chain of CNAMEs that leads out of our zones, in lower case: whoever asked goes on there. Null: complete. */
  readonly chase: Name | null;
  /** The zone that matched, in lower case: `cluster.local.`, `in-addr.arpa.` … */
  readonly zone: Name;
  /** Why, for people: `Service shop/web, ClusterIP`, `no Service shop/wbe`. */
  readonly because: string;
}

/** The cluster's data as DNS sees it. Pure: no clock, no I/O. */
export interface Zone {
  /** Applies what the main thread told. Costs what the change touches. */
  apply(change: ZoneChange): void;
  readonly synced: boolean;
  /**
   * The answer to a question of class IN, `name` in lower case. Null: the name is not ours, or ours falls through
   * (`fallthrough`), and the next stage is asked. Before the first sync see specification 15.2.
   */
  lookup(name: Name, type: number): ZoneAnswer | null;
  /** Names of our zones and reverse zones, longest first. */
  readonly zones: readonly Name[];
  /** The namespace of a pod of this node by its address (specification 14.2); null where unknown. */
  namespaceOf(address: string): string | null;
}

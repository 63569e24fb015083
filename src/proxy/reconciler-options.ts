import type { Address, Clock, Family, NodeChoices, Pause, PeerSettings, Publisher, Snapshot } from '../model/mod.ts';
import type { AfterSync } from './after-sync.ts';
import type { Notice } from './notice.ts';
import type { SyncObserver } from './sync-event.ts';

/** How often the kernel is looked at and changed, in milliseconds. */
export interface Pace {
  /** A failed sync is tried again after this at the latest; an audit is due this often. */
  readonly syncPeriod: number;
  /** Least time from the end of one sync to the start of the next. */
  readonly minSyncPeriod: number;
}

/** What the reconcilers of both families share. */
export interface ReconcilerOptions extends Pace {
  readonly choices: NodeChoices;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly pause: Pause;
  /** Addresses of all interfaces of the node, read afresh. */
  readonly localAddresses: () => readonly Address[];
  readonly report: (notice: Notice) => void;
  /** Has the last word on frontends; absent: nobody. */
  readonly publisher?: Publisher;
  /** Who may send on to this node; absent: nobody. */
  readonly peers?: (family: Family, snapshot: Snapshot) => PeerSettings;
  /** Measures the work; absent: nobody does. */
  readonly observe?: SyncObserver;
  /** What follows each successful sync, in this order; absent: nothing. */
  readonly afterSync?: readonly AfterSync[];
}

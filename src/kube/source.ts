import type { Dirty, Problem, Snapshot } from '../model/mod.ts';

/** What a source tells its owner. All calls happen on later turns of the event loop, never inside `start`. */
export interface SourceHandlers {
  /** A commit: the snapshot after it and what it may have changed. */
  change(snapshot: Snapshot, dirty: Dirty): void;
  /**
   * Services, EndpointSlices and the Node have each been read in full once. Comes exactly once, after the
   * `change` that carries the data. Before it a snapshot may be partial and nothing may be deleted for it.
   */
  synced(): void;
  /** Something was wrong and was left out or will be tried again; the source goes on. */
  problem(problem: Problem): void;
}

/** Where Services, EndpointSlices and the own Node come from: an API server or a folder of manifests. */
export interface Source {
  start(handlers: SourceHandlers): void;
  /** Ends all watches and timers; no handler is called afterwards. */
  close(): Promise<void>;
}

import type { Pause, Problem } from '../model/mod.ts';
import type { BackoffSettings } from './backoff.ts';
import type { ApiClient } from './client-api.ts';
import type { Clock } from './client-clock.ts';
import type { Decoded } from './decode.ts';

/** One collection of the API as it is to be watched. */
export interface Resource<T> {
  /** As in the URL, for messages: `services`. */
  readonly name: string;
  readonly path: string;
  /** `labelSelector` and `fieldSelector`, where any. */
  readonly selectors: Readonly<Record<string, string>>;
  /** The key of an object, the same that its record has; null where it cannot be read. */
  keyOf(raw: unknown): string | null;
  decode(raw: unknown): Decoded<T>;
  /** True for an object that counts as deleted though the server still has it; absent: none does. */
  readonly isGone?: (raw: unknown) => boolean;
}

/** Where records go. */
export interface ReflectorSink<T> {
  upsert(record: T): void;
  remove(key: string): void;
  /** Changes up to `release` belong together: a later list is shown whole or not at all. */
  hold(): void;
  release(): void;
  /** The first complete list has been handed over. */
  listed(): void;
  problem(problem: Problem): void;
}

export interface ReflectorTimings {
  readonly backoff: BackoffSettings;
  /** Longest silence before the status line and inside a list. */
  readonly requestIdleMs: number;
  /** Silence in the initial events of a streaming list that betrays a server which ignores the request for one. */
  readonly streamQuietMs: number;
  /** `timeoutSeconds` of a watch is drawn from this to its double, so that watches end out of step. */
  readonly watchSeconds: number;
  /** A watch that outlives its `timeoutSeconds` in silence by this much is dead. */
  readonly watchGraceMs: number;
  /** Longest silence in a watch, where something happens in it more often than that; absent: as long as it lasts. */
  readonly watchIdleMs?: number;
  /** Changes of a watch that follow each other more closely are read together, after so long. */
  readonly gatherMs: number;
  /** A watch that ends sooner is a failure, whatever way it ends: client-go's "very short watch". */
  readonly shortWatchMs: number;
  /**
   * After so long without a good answer the next one begins with a list. A server that was restored
   * from a backup may have gone back in time, which a resumed watch does not show.
   */
  readonly outageMs: number;
}

export const defaultTimings: ReflectorTimings = {
  backoff: { baseMs: 800, maxMs: 30_000 },
  requestIdleMs: 60_000,
  streamQuietMs: 10_000,
  watchSeconds: 300,
  watchGraceMs: 30_000,
  gatherMs: 100,
  shortWatchMs: 1000,
  outageMs: 300_000,
};

export interface ReflectorOptions<T> {
  readonly resource: Resource<T>;
  readonly sink: ReflectorSink<T>;
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly pause: Pause;
  /** Milliseconds that the client-side rate limit asks the next request to wait. */
  readonly takeTurn: () => number;
  /** Objects in one page of a list. */
  readonly pageLimit: number;
  readonly timings: ReflectorTimings;
}

/** Objects of a list by key; null where the object was malformed. */
export type Listing<T> = Map<string, T | null>;

/** What a reflector remembers from one request to the next. */
export interface ReflectorState {
  /** The version to resume from; null before the first list and whenever a new one is needed. */
  version: string | null;
  /** Keys handed to the sink. */
  readonly known: Set<string>;
  listed: boolean;
  /** The server is not known to lack streaming lists. */
  streaming: boolean;
  /** Streaming lists in a row that failed although the server seems to offer them. */
  brokenStreams: number;
  /** Continue tokens hold long enough for this list to be read in pages. */
  paging: boolean;
  /** Failures since the last good watch. */
  attempt: number;
  /** When the first failure since the last good answer happened. */
  failingSince: number | null;
}

/** The largest object or event that is read: etcd holds 1.5 MB, aggregated servers may have more. */
export const maxObjectBytes = 64 * 1024 * 1024;

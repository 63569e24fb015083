import { durationBounds, increment, makeLaneCounts, observe, requestIndex, responseIndex, sizeBounds } from './lane-counts.ts';
import type { LaneCounts } from './lane-counts.ts';
import type { Peer } from './listen-contract.ts';
import type { Query } from './read-query.ts';
import type { Stage } from './resolution.ts';

/** Counts what one listening address and one server block answer. */
export class Lane {
  readonly counts: LaneCounts = makeLaneCounts();

  asked(query: Query, peer: Peer, stream: boolean, size: number): void {
    increment(this.counts.requests, requestIndex(stream, peer.octets, query.type));
    observe(this.counts.requestSizes[stream ? 1 : 0], sizeBounds, size);
    if (query.dnssecOk) increment(this.counts.dnssecOk, 0);
  }

  answered(stage: Stage, rcode: number, stream: boolean, size: number, seconds: number): void {
    this.#replied(responseIndex(stage, rcode), stream, size, seconds);
  }

  /** Both of the above for an answer that was at hand; `response` is its place among the counts of replies. */
  answeredKept(query: Query, peer: Peer, stream: boolean, size: number, response: number, length: number, seconds: number): void {
    this.asked(query, peer, stream, size);
    this.#replied(response, stream, length, seconds);
  }

  dropped(): void {
    increment(this.counts.dropped, 0);
  }

  #replied(response: number, stream: boolean, size: number, seconds: number): void {
    const { counts } = this;
    increment(counts.responses, response);
    observe(counts.responseSizes[stream ? 1 : 0], sizeBounds, size);
    observe(counts.durations, durationBounds, seconds);
  }
}

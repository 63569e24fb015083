import type { ForwardObserver } from './forward-ports.ts';
import { durationBounds, observe } from './lane-counts.ts';

/** What a worker counted of its upstreams. Plain data that can be copied to another thread. */
export interface UpstreamCounts {
  /** By `to` and response code: as {@link LaneCounts.durations}. */
  readonly requests: ReadonlyMap<string, ReadonlyMap<number, Float64Array>>;
  readonly healthcheckFailures: ReadonlyMap<string, number>;
  readonly healthcheckBroken: number;
  readonly rejects: number;
  /** By `to` and protocol, `10.0.0.53:53 udp`. */
  readonly connectionHits: ReadonlyMap<string, number>;
  readonly connectionMisses: ReadonlyMap<string, number>;
}

/** Counts what forwarders tell. */
export class ForwardCounts implements ForwardObserver {
  readonly #requests = new Map<string, Map<number, Float64Array>>();
  readonly #failures = new Map<string, number>();
  readonly #hits = new Map<string, number>();
  readonly #misses = new Map<string, number>();
  #broken = 0;
  #rejects = 0;

  get counts(): UpstreamCounts {
    return {
      requests: this.#requests,
      healthcheckFailures: this.#failures,
      healthcheckBroken: this.#broken,
      rejects: this.#rejects,
      connectionHits: this.#hits,
      connectionMisses: this.#misses,
    };
  }

  /** An upstream that may be asked: what is counted of it is there from the start. */
  know(to: string): void {
    if (this.#failures.has(to)) return;
    this.#failures.set(to, 0);
    for (const protocol of ['udp', 'tcp']) for (const counts of [this.#hits, this.#misses]) counts.set(`${to} ${protocol}`, 0);
  }

  request(to: string, rcode: number, seconds: number): void {
    const byCode = this.#requests.get(to) ?? new Map<number, Float64Array>();
    this.#requests.set(to, byCode);
    const counts = byCode.get(rcode) ?? new Float64Array(durationBounds.length + 2);
    byCode.set(rcode, counts);
    observe(counts, durationBounds, seconds);
  }

  healthcheckFailure(to: string): void {
    grow(this.#failures, to);
  }

  healthcheckBroken(): void {
    this.#broken += 1;
  }

  reject(): void {
    this.#rejects += 1;
  }

  connHit(to: string, protocol: 'udp' | 'tcp'): void {
    grow(this.#hits, `${to} ${protocol}`);
  }

  connMiss(to: string, protocol: 'udp' | 'tcp'): void {
    grow(this.#misses, `${to} ${protocol}`);
  }
}

function grow(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

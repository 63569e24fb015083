import type { Clock, LeaseStore, LeaseTerms, Problem, Stored, StoredLease } from '../model/mod.ts';
import { claimTerms, isHeldByOther, releaseTerms, sightLease } from './lease-state.ts';
import type { LeaseTimings, Sighting } from './lease-state.ts';
import { limitSignal, waitFor } from './lease-wait.ts';

/** The time in which an agent leads. */
export interface Term {
  /** Fires when it ends. */
  readonly signal: AbortSignal;
  /** False from the moment the lease may be another's, even where a busy event loop has not told the signal yet. */
  isCurrent(): boolean;
}

export interface ElectorOptions {
  /** Unlike every other candidate's, and unlike that of an earlier run of this agent. */
  readonly identity: string;
  readonly store: LeaseStore;
  readonly clock: Clock;
  /** Milliseconds of a clock that nobody sets; durations are measured with it. */
  readonly uptime: () => number;
  readonly random: () => number;
  readonly timings: LeaseTimings;
  /** Works for the length of a term. Called anew for each; must resolve soon after its signal fired. */
  readonly lead: (term: Term) => Promise<void>;
  readonly problem: (problem: Problem) => void;
}

/** Tries of those who wait are spread over one to so many times the retry time more, as with client-go's JitterFactor. */
const jitter = 1.2;

/**
 * One candidate for a Lease, with the meaning that client-go gives it. It leads at most `renewMs` after the last renewal that
 * was sent and succeeded, others begin at the earliest `leaseMs` after they saw that renewal. What a delayed request may still do
 * is for whoever leads to fence: a Lease cannot.
 */
export class LeaseElector {
  readonly #options: ElectorOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #seen: Sighting | null = null;
  /** When the last renewal that succeeded was sent, by the steady clock; null: we do not lead. */
  #renewedAt: number | null = null;

  constructor(options: ElectorOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Ends the term, waits for its work to end, and gives the lease back. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  get isLeading(): boolean {
    return this.#renewedAt !== null && this.#remaining() > 0;
  }

  /** Whom the lease names, as last seen; empty: nobody. */
  get holder(): string {
    return this.#seen?.lease.terms.holder ?? '';
  }

  async #run(): Promise<void> {
    const { clock, random, timings } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      if ((await this.#try()) === 'ours') await this.#lead();
      if (!signal.aborted) await waitFor(clock, timings.retryMs * (1 + jitter * random()), signal);
    }
  }

  async #lead(): Promise<void> {
    const { clock, timings, lead } = this.#options;
    const end = new AbortController();
    const term = {
      signal: AbortSignal.any([end.signal, this.#stop.signal]),
      isCurrent: () => !term.signal.aborted && this.isLeading,
    };
    const work = lead(term);
    while (!term.signal.aborted && this.isLeading) {
      await waitFor(clock, Math.min(timings.retryMs, this.#remaining()), term.signal);
      if (term.signal.aborted || !this.isLeading) break;
      if ((await this.#try()) === 'theirs') break;
    }
    end.abort();
    await work;
    if (this.#stop.signal.aborted && this.isLeading) await this.#release();
    this.#renewedAt = null;
  }

  #remaining(): number {
    return (this.#renewedAt ?? Number.NEGATIVE_INFINITY) + this.#options.timings.renewMs - this.#options.uptime();
  }

  /** One attempt to get or to renew the lease; it takes no longer than the lease would last. */
  async #try(): Promise<'ours' | 'theirs' | 'unknown'> {
    const { clock, timings } = this.#options;
    const limit = this.#renewedAt === null ? timings.renewMs : this.#remaining();
    const limited = limitSignal(clock, limit, this.#stop.signal);
    try {
      return await this.#attempt(limited.signal);
    } finally {
      limited.done();
    }
  }

  async #attempt(signal: AbortSignal): Promise<'ours' | 'theirs' | 'unknown'> {
    const { identity, store, uptime } = this.#options;
    // Who leads knows the version of its own last write, and need not read.
    if (this.#renewedAt !== null && this.#seen !== null) {
      const renewed = await this.#claim(this.#seen.lease, signal);
      if (renewed !== 'theirs') return renewed;
    }
    const read = await store.read(signal);
    if (read.kind === 'missing') return await this.#claim(null, signal);
    if (read.kind !== 'done') return this.#tell(read);
    this.#seen = sightLease(this.#seen, read.value, uptime());
    if (isHeldByOther(this.#seen, identity, uptime())) return 'theirs';
    return await this.#claim(read.value, signal);
  }

  async #claim(before: StoredLease | null, signal: AbortSignal): Promise<'ours' | 'theirs' | 'unknown'> {
    const { identity, store, clock, uptime, timings } = this.#options;
    const sentAt = uptime();
    const terms: LeaseTerms = claimTerms(before?.terms ?? null, identity, timings, clock.now());
    const written = before === null ? await store.create(terms, signal) : await store.update(terms, before.version, signal);
    if (written.kind === 'conflict') return 'theirs';
    if (written.kind !== 'done') return this.#tell(written);
    this.#seen = sightLease(this.#seen, written.value, uptime());
    this.#renewedAt = sentAt;
    return 'ours';
  }

  async #release(): Promise<void> {
    const { store, clock, timings } = this.#options;
    if (this.#seen === null) return;
    const { lease } = this.#seen;
    const limited = limitSignal(clock, timings.retryMs, new AbortController().signal);
    await store.update(releaseTerms(lease.terms, clock.now()), lease.version, limited.signal);
    limited.done();
  }

  #tell(answer: Stored<StoredLease>): 'unknown' {
    if (answer.kind === 'failed' && !this.#stop.signal.aborted) this.#options.problem(answer.problem);
    return 'unknown';
  }
}

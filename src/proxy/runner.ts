import type { Clock } from '../model/mod.ts';

export interface RunnerOptions {
  readonly clock: Clock;
  /** Least time from the end of one run to the start of the next, in milliseconds; a run that found nothing to do does not count. */
  readonly minInterval: number;
  readonly run: () => Promise<RunResult>;
}

export interface RunResult {
  /** Something was written or tried: the next run keeps its distance. */
  readonly worked: boolean;
  /** Milliseconds after which the next run is due without a request; null: it is not. */
  readonly next: number | null;
}

/**
 * Runs a task one at a time and not too often. The first request after a quiet time runs at once;
 * requests during a run, or before the interval is over, collapse into one later run.
 */
export class BoundedRunner {
  readonly #options: RunnerOptions;
  #minInterval: number;
  /** Of a run that did something. */
  #lastEnd: number | null = null;
  #running: Promise<void> | null = null;
  #requested = false;
  #stopped = false;
  #cancelTimer: (() => void) | null = null;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#minInterval = options.minInterval;
  }

  request(): void {
    this.#requested = true;
    this.#schedule(0);
  }

  /** Another interval from now on, for a run that is waited for as well; `next` is when one is due without a request. */
  setMinInterval(minInterval: number, next: number): void {
    this.#minInterval = minInterval;
    if (this.#requested) this.#schedule(0);
    else if (this.#lastEnd !== null) this.#schedule(next);
  }

  /** No run starts afterwards; resolves when the current one has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer?.();
    await this.#running;
  }

  /** Does something beside the runs, never at the same time as one; what is due meanwhile comes right after. */
  async apart<T>(work: () => Promise<T>): Promise<T> {
    while (this.#running !== null) await this.#running;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#running = promise;
    try {
      return await work();
    } finally {
      this.#running = null;
      resolve();
      if (this.#requested) this.#schedule(0);
    }
  }

  #schedule(delay: number): void {
    if (this.#stopped || this.#running !== null) return;
    const quiet = this.#lastEnd === null ? 0 : this.#lastEnd + this.#minInterval - this.#options.clock.now();
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    const wait = Math.max(delay, quiet);
    if (wait <= 0) this.#start();
    else this.#cancelTimer = this.#options.clock.after(wait, () => this.#start());
  }

  #start(): void {
    if (this.#stopped) return;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#requested = this.#running !== null;
    if (this.#requested) return;
    this.#running = this.#runOnce();
  }

  async #runOnce(): Promise<void> {
    const { clock, run } = this.#options;
    const { worked, next } = await run();
    this.#running = null;
    if (worked) this.#lastEnd = clock.now();
    if (this.#requested) this.#schedule(0);
    else if (next !== null) this.#schedule(next);
  }
}

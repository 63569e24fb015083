import type { Clock } from '../model/mod.ts';

/** A clock for tests that stands still until it is turned. */
export class FakeClock implements Clock {
  #now = 1_000_000;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  now(): number {
    return this.#now;
  }

  after(delay: number, callback: () => void): () => void {
    const timer = { at: this.#now + delay, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves on, calling each timer at its moment and letting what it started finish. */
  async turn(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await settle();
    for (let next = this.#nextBefore(end); next !== null; next = this.#nextBefore(end)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
      await settle();
    }
    this.#now = end;
  }

  #nextBefore(end: number): { readonly at: number; readonly callback: () => void } | null {
    const due = [...this.#timers].filter((timer) => timer.at <= end).toSorted((a, b) => a.at - b.at);
    return due[0] ?? null;
  }
}

/** Lets everything that is ready run, promises that wait for each other included. */
async function settle(): Promise<void> {
  for (let round = 0; round < 5; round += 1) await new Promise((resolve) => setImmediate(resolve));
}

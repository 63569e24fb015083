import type { Clock } from '../model/mod.ts';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** Time that passes when nothing else is left to do. */
export class SimClock {
  #now = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  after(delay: number, callback: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, delay), callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** The same time as a machine sees it whose wall clock is wrong. */
  skewed(by: number): Clock {
    return { now: () => this.#now + by, after: (delay, callback) => this.after(delay, callback) };
  }

  /** Goes on until the condition holds; false where it does not within so many milliseconds. */
  async run(milliseconds: number, isDone: () => boolean = () => false): Promise<boolean> {
    const end = this.#now + milliseconds;
    await nextTurn();
    while (!isDone()) {
      let next: Timer | null = null;
      for (const timer of this.#timers) if (next === null || timer.at < next.at) next = timer;
      if (next === null || next.at > end) {
        this.#now = end;
        return isDone();
      }
      this.#timers.delete(next);
      this.#now = next.at;
      next.callback();
      await nextTurn();
    }
    return true;
  }
}

/** Lets everything run that waits for nothing but promises. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32, public domain). */
export function createRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

import type { Clock } from '../../src/kube/client-clock.ts';

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

/**
 * A clock whose hours pass in no time: as soon as the process has nothing better to do, it jumps to the
 * next sleeper's end. Input and output take as long as they take, and no time passes for them here.
 */
export class VirtualClock implements Clock {
  /** Every sleep asked for, in milliseconds. */
  readonly sleeps: number[] = [];
  #now = Date.UTC(2026, 0, 1);
  #sleepers: Sleeper[] = [];
  #pumping = false;

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (ms <= 0 || signal.aborted) return Promise.resolve();
    this.sleeps.push(ms);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#sleepers.push({ due: this.#now + ms, wake: resolve });
    signal.addEventListener('abort', () => resolve(), { once: true });
    this.#pump();
    return promise;
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      const [next, ...rest] = this.#sleepers.toSorted((a, b) => a.due - b.due);
      if (next === undefined) return;
      this.#sleepers = rest;
      this.#now = Math.max(this.#now, next.due);
      next.wake();
      if (rest.length > 0) this.#pump();
    });
  }
}

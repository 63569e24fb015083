import type { Stored } from '../model/mod.ts';
import type { SimClock } from './sim-clock.fixture.ts';

export interface Faults {
  /** Probabilities that a request never arrives, that its answer does not, and that it comes when nobody expects it any more. */
  lost: number;
  unheard: number;
  late: number;
}

/** Milliseconds that a request or an answer takes, and that a late one may. */
const usual = 20;
const longest = 60_000;

/** Between one agent and the store: delays, loses and reorders. An agent that was killed hears nothing; what it sent arrives. */
export class SimNetwork {
  readonly #clock: SimClock;
  readonly #random: () => number;
  readonly #faults: Faults;
  alive = true;

  constructor(clock: SimClock, random: () => number, faults: Faults) {
    this.#clock = clock;
    this.#random = random;
    this.#faults = faults;
  }

  send<T>(serve: () => Stored<T>, signal: AbortSignal): Promise<Stored<T>> {
    const { promise, resolve } = Promise.withResolvers<Stored<T>>();
    const answer = (stored: Stored<T>): void => {
      if (this.alive) resolve(stored);
    };
    const giveUp = (): void => answer({ kind: 'failed', problem: { code: 'WP_KUBE_UNREACHABLE', message: 'given up' } });
    if (!this.alive) return promise;
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    else if (this.#random() >= this.#faults.lost) {
      this.#clock.after(this.#delay(), () => {
        const stored = serve();
        if (this.#random() >= this.#faults.unheard) this.#clock.after(this.#delay(), () => answer(stored));
      });
    }
    return promise;
  }

  #delay(): number {
    const isLate = this.#random() < this.#faults.late;
    return 1 + this.#random() * (isLate ? longest : usual);
  }
}

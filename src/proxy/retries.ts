import type { ServiceKey } from '../model/mod.ts';

/** First retry of what failed, in milliseconds; doubles from then on. */
const firstRetry = 1000;

interface Retry {
  readonly delay: number;
  readonly due: number;
}

/** When what failed is to be tried again: everything, or single Services. Times are milliseconds. */
export class Retries {
  /** The delay that no other goes beyond. */
  longest: number;
  readonly #services = new Map<ServiceKey, Retry>();
  #everything: Retry | null = null;

  constructor(longest: number) {
    this.longest = longest;
  }

  failService(service: ServiceKey, now: number): void {
    this.#services.set(service, this.#backOff(this.#services.get(service), now));
  }

  forgetService(service: ServiceKey): void {
    this.#services.delete(service);
  }

  failEverything(now: number): void {
    this.#everything = this.#backOff(this.#everything ?? undefined, now);
  }

  forgetEverything(): void {
    this.#everything = null;
  }

  get services(): Iterable<ServiceKey> {
    return this.#services.keys();
  }

  /** When all of it is due again, or null. */
  get everythingDue(): number | null {
    return this.#everything?.due ?? null;
  }

  dueServices(now: number): ServiceKey[] {
    return [...this.#services].filter(([, { due }]) => due <= now).map(([service]) => service);
  }

  /** The earliest moment a Service is due; infinite if none is. */
  get nextService(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { due } of this.#services.values()) next = Math.min(next, due);
    return next;
  }

  #backOff(last: Retry | undefined, now: number): Retry {
    const delay = Math.min(last === undefined ? firstRetry : last.delay * 2, this.longest);
    return { delay, due: now + delay };
  }
}

import type { Clock } from '../model/mod.ts';

/** A connection, as far as deciding about its end goes. */
interface Bounded {
  readonly lastActivity: number;
  readonly outstanding: number;
  isExpired(now: number): boolean;
  destroy(): void;
}

/** How often time limits are looked at. One timer serves all connections; a limit ends up to so much late. */
const sweepMs = 500;

/** The connections of all listeners together: how many there may be, and which have to go. */
export class ConnectionBudget {
  readonly #clock: Clock;
  readonly #connections = new Set<Bounded>();
  #cancel: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now = (): number => this.#clock.now();

  get count(): number {
    return this.#connections.size;
  }

  /** Takes a new connection in. Where there are `most` already, the one that was idle for longest is closed for it. */
  admit(connection: Bounded, most: number): void {
    while (this.#connections.size >= Math.max(1, most)) this.#close(this.#oldest());
    this.#connections.add(connection);
    this.#cancel ??= this.#clock.after(sweepMs, this.#sweep);
  }

  /** To be called when a connection is no more; those that were closed here are known. */
  release(connection: Bounded): void {
    this.#connections.delete(connection);
    if (this.#connections.size > 0) return;
    this.#cancel?.();
    this.#cancel = null;
  }

  /** One that waits for an answer is closed only where all do. */
  #oldest(): Bounded | null {
    let oldest: Bounded | null = null;
    for (const connection of this.#connections) {
      if (oldest === null || isBefore(connection, oldest)) oldest = connection;
    }
    return oldest;
  }

  #close(connection: Bounded | null): void {
    if (connection === null) return;
    this.#connections.delete(connection);
    connection.destroy();
  }

  readonly #sweep = (): void => {
    const now = this.#clock.now();
    for (const connection of this.#connections) if (connection.isExpired(now)) this.#close(connection);
    this.#cancel = this.#connections.size > 0 ? this.#clock.after(sweepMs, this.#sweep) : null;
  };
}

function isBefore(a: Bounded, b: Bounded): boolean {
  const [aWaits, bWaits] = [a.outstanding > 0, b.outstanding > 0];
  return aWaits === bWaits ? a.lastActivity < b.lastActivity : bWaits;
}

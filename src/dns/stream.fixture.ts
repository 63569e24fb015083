import type { Clock } from '../model/mod.ts';
import type { StreamLimits } from './listen-contract.ts';

/** A clock that stands still until a test moves it. */
export class HandClock implements Clock {
  #now = 1_000_000;
  #timers: readonly { readonly due: number; readonly callback: () => void }[] = [];

  now = (): number => this.#now;

  after = (delay: number, callback: () => void): (() => void) => {
    const timer = { due: this.#now + delay, callback };
    this.#timers = [...this.#timers, timer];
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  };

  /** Timers that have not run. */
  get waiting(): number {
    return this.#timers.length;
  }

  /** Moves on by steps that no timer here is finer than. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    while (this.#now < end) {
      this.#now = Math.min(end, this.#now + 100);
      const due = this.#timers.filter((timer) => timer.due <= this.#now);
      this.#timers = this.#timers.filter((timer) => !due.includes(timer));
      for (const { callback } of due) callback();
    }
  }
}

export const testLimits: StreamLimits = { messageMs: 5000, idleMs: 20_000, connections: 100, outstanding: 64 };

/** A message with its length before it. */
export function framed(message: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.of(message.length >> 8, message.length & 0xff), message]);
}

/** Something like a question: a header of 12 octets with an id, and a body. */
export function question(id: number, body = 'question'): Uint8Array {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(id);
  return Buffer.concat([header, Buffer.from(body)]);
}

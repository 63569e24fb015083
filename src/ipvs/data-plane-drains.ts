import { sideKey } from '../model/mod.ts';
import type { Kernel } from './data-plane-kernel.ts';
import type { Queue } from './data-plane-queue.ts';
import type { KernelServer } from './data-plane-state.ts';
import type { WishBook } from './data-plane-wish.ts';
import type { BookedOperation } from './diff-server.ts';
import { isDrained } from './drain.ts';
import type { Drain } from './drain.ts';
import { noService } from './settings.ts';
import type { IpvsOptions } from './settings.ts';
import type { DestinationCounters } from './virtual-server.ts';
import { Touched } from './wish.ts';

interface DrainParts {
  readonly options: IpvsOptions;
  readonly kernel: Kernel;
  readonly book: WishBook;
  readonly queue: Queue;
  /** Brings the kernel to the wish for what was touched. */
  readonly pass: (touched: Touched) => Promise<void>;
}

/**
 * Looks at destinations that are leaving until they may go. One server at a time, each in its turn of the queue, so that
 * no change of a Service waits for more than one of them.
 */
export class Drains {
  readonly #parts: DrainParts;
  #cancel: (() => void) | null = null;
  #stopped = false;
  #polling = false;
  /** Since when, in milliseconds, looks have found no active connection where something drains. */
  readonly #quietSince = new WeakMap<Drain, number>();

  constructor(parts: DrainParts) {
    this.#parts = parts;
  }

  /** Something may be leaving: looks after it from now on. */
  schedule(): void {
    const { options } = this.#parts;
    if (this.#stopped || this.#polling || this.#cancel !== null || !this.#isNeeded()) return;
    this.#cancel = options.clock.after(options.drainPollMs, () => {
      this.#cancel = null;
      void this.#poll();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#cancel = null;
  }

  async #poll(): Promise<void> {
    const { kernel, queue, book } = this.#parts;
    this.#polling = true;
    for (const text of kernel.servers.draining()) {
      if (this.#stopped) break;
      await queue.run(() => this.#look(text));
    }
    if (book.held.timed && !this.#stopped) await queue.run(() => this.#expire());
    this.#polling = false;
    this.schedule();
  }

  #isNeeded(): boolean {
    const { kernel, book } = this.#parts;
    return kernel.servers.draining().length > 0 || book.held.timed;
  }

  async #expire(): Promise<void> {
    const { book, pass } = this.#parts;
    const touched = new Touched();
    book.held.expire(touched);
    if (touched.size > 0) await pass(touched);
  }

  async #look(text: string): Promise<void> {
    const { options, kernel, book, pass } = this.#parts;
    const server = kernel.servers.get(text);
    if (this.#stopped || server === undefined || server.owner !== 'own') return;
    const counted = await options.servers.counters(server.server.key);
    if (!counted.ok) return;
    const operations = this.#findDone(text, server, counted.value);
    if (operations.length > 0) await kernel.changeServers(operations);
    if (kernel.servers.get(text) !== undefined) return;
    const touched = new Touched();
    book.held.release(text, touched);
    const record = kernel.recordOf(server.server.key);
    if (record !== null) touched.entries.set(sideKey(record), noService);
    await pass(touched);
  }

  /** A server without counters is gone already; deleting it once more says so to our memory. */
  #findDone(
    text: string,
    { server, destinations }: KernelServer,
    counters: ReadonlyMap<string, DestinationCounters> | null,
  ): BookedOperation[] {
    const { options, book } = this.#parts;
    const now = options.clock.now();
    const { key } = server;
    const done = [...destinations].filter(([name, { drain }]) => {
      const { active, inactive } = counters?.get(name) ?? { active: 0, inactive: 0 };
      return drain !== null && isDrained(drain, { active, inactive, quietFor: this.#noteQuiet(drain, active, now) }, now);
    });
    const whole = counters === null || done.length === destinations.size;
    if (whole && book.wish.server(text) === null) {
      return [{ operation: { verb: 'delete-server', key }, service: noService, drain: null }];
    }
    return done.map(([, { destination }]) => ({
      operation: { verb: 'delete-destination', key, destination: { address: destination.address, port: destination.port } },
      service: noService,
      drain: null,
    }));
  }

  /** Gives the milliseconds for which a destination has been quiet. */
  #noteQuiet(drain: Drain, active: number, now: number): number {
    const since = this.#quietSince.get(drain) ?? now;
    if (active === 0) this.#quietSince.set(drain, since);
    else this.#quietSince.delete(drain);
    return active === 0 ? now - since : 0;
  }
}

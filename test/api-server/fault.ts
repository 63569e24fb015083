import type { ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { CollectionName } from './collections.ts';

/** One request as the server saw it. */
export interface SeenRequest {
  readonly collection: CollectionName;
  readonly verb: 'list' | 'watch' | 'stream' | 'get' | 'create' | 'patch';
  /** Null for objects of all namespaces, and for those that have none. */
  readonly namespace: string | null;
  /** Of the one object that is asked for; empty for a collection and for a new object. */
  readonly name: string;
  readonly isStatus: boolean;
  readonly query: Readonly<Record<string, string>>;
  readonly token: string | null;
}

/**
 * What goes wrong with one request. `status`: an answer with this code. `reset`: no answer, the connection
 * is cut. `hang`: no answer, the connection stays. `cut`: the body breaks off after so many bytes. `slow`:
 * the body comes in small pieces. `unheard`: the change is made and its answer lost. `lines`: these lines come first in a watch, then it ends, breaks or goes on.
 */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: number; readonly reason?: string }
  | { readonly kind: 'reset' }
  | { readonly kind: 'hang' }
  | { readonly kind: 'unheard' }
  | { readonly kind: 'cut'; readonly afterBytes: number }
  | { readonly kind: 'slow'; readonly pieceBytes: number; readonly pauseMs: number }
  | { readonly kind: 'lines'; readonly lines: readonly string[]; readonly after: 'end' | 'reset' | 'go-on' };

/** The ERROR event of a watch whose version is too old. */
export const goneLine = JSON.stringify({
  type: 'ERROR',
  object: {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    reason: 'Expired',
    code: 410,
    message: 'too old resource version',
  },
});

/** Writes one body, under whatever fault it has to suffer. Writes are kept in order. */
export class BodyWriter {
  readonly #response: ServerResponse;
  readonly #fault: Fault | null;
  #written = 0;
  #queue: Promise<void> = Promise.resolve();

  constructor(response: ServerResponse, fault: Fault | null) {
    this.#response = response;
    this.#fault = fault;
  }

  write(text: string): void {
    if (this.#response.destroyed) return;
    const bytes = Buffer.from(text);
    if (this.#fault?.kind === 'cut') this.#writeUntilCut(bytes, this.#fault.afterBytes);
    else if (this.#fault?.kind === 'slow') this.#writeSlowly(bytes, this.#fault.pieceBytes, this.#fault.pauseMs);
    else this.#response.write(bytes);
  }

  end(): void {
    // The last chunk would make a body that is to be cut look complete.
    if (this.#fault?.kind === 'cut' && this.#written >= this.#fault.afterBytes) return;
    this.#enqueue(async () => void this.#response.end());
  }

  /** Cuts the connection once what was written has left. */
  reset(): void {
    this.#response.write('', () => this.#response.destroy());
  }

  #enqueue(work: () => Promise<void>): void {
    this.#queue = this.#queue.then(work);
  }

  #writeUntilCut(bytes: Buffer, limit: number): void {
    const part = bytes.subarray(0, Math.max(0, limit - this.#written));
    this.#written += bytes.length;
    this.#response.write(part, () => {
      if (this.#written >= limit) this.#response.destroy();
    });
  }

  #writeSlowly(bytes: Buffer, pieceBytes: number, pauseMs: number): void {
    this.#enqueue(async () => {
      for (let at = 0; at < bytes.length && !this.#response.destroyed; at += pieceBytes) {
        this.#response.write(bytes.subarray(at, at + pieceBytes));
        await wait(pauseMs);
      }
    });
  }
}

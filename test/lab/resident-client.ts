import { Worker } from 'node:worker_threads';
import type { Answers, Reply, Request } from './resident/protocol.ts';

const script = new URL('resident/main.ts', import.meta.url);

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/**
 * What stays in a namespace to serve and to ask there: a thread of this process, since a process for each namespace takes
 * several seconds of an emulated processor to start.
 */
export class Resident {
  readonly #worker: Worker;
  readonly #name: string;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #ended: string | null = null;

  private constructor(name: string, worker: Worker) {
    this.#name = name;
    this.#worker = worker;
    worker.on('error', (error) => this.#end((error as Error).message));
    worker.on('exit', (code) => this.#end(`it ended with ${code}`));
    worker.on('message', (reply: Reply) => this.#take(reply));
  }

  /** `name` is that of the place, for messages. */
  static async start(name: string, namespace: string): Promise<Resident> {
    // Node unloads koffi with the last thread that has it, and that must be none of the residents.
    await import('koffi');
    return new Resident(name, new Worker(script, { workerData: namespace, execArgv: [] }));
  }

  /** Asks and waits. Rejects where the resident is gone or could not do it, with its reason. */
  ask<R extends Request>(request: R): Promise<Answers[R['op']]> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== null) return reject(this.#error(this.#ended));
      this.#lastId += 1;
      this.#waiting.set(this.#lastId, { resolve: resolve as (value: unknown) => void, reject });
      this.#worker.postMessage({ id: this.#lastId, ...request });
    });
  }

  /** Ends it at once, with its connections. */
  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #take(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ('problem' in reply) waiting?.reject(this.#error(reply.problem));
    else waiting?.resolve(reply.value);
  }

  #end(reason: string): void {
    this.#ended ??= reason;
    for (const { reject } of this.#waiting.values()) reject(this.#error(reason));
    this.#waiting.clear();
  }

  #error(reason: string): Error {
    return new Error(`resident of ${this.#name}: ${reason}`);
  }
}

import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Answers, Reply, Request } from './resident/protocol.ts';

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** This process's half of the conversation with a namespace's resident process. */
export class Resident {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #errors = '';
  #ended: string | null = null;

  constructor(name: string, child: ChildProcess) {
    this.#name = name;
    this.#child = child;
    if (child.stdout === null || child.stdin === null) throw new TypeError('a resident needs pipes');
    child.stdin.on('error', (error) => this.#end(error.message));
    child.stderr?.on('data', (data: Buffer) => (this.#errors = `${this.#errors}${data}`.slice(-4000)));
    child.on('error', (error) => this.#end(error.message));
    child.on('exit', (code, signal) => this.#end(`it ended with ${signal ?? code}. ${this.#errors}`));
    createInterface({ input: child.stdout }).on('line', (line) => this.#take(JSON.parse(line) as Reply));
  }

  /** Asks and waits. Rejects where the resident is gone or could not do it, with its reason. */
  ask<R extends Request>(request: R): Promise<Answers[R['op']]> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== null) return reject(this.#error(this.#ended));
      this.#lastId += 1;
      this.#waiting.set(this.#lastId, { resolve: resolve as (value: unknown) => void, reject });
      this.#child.stdin?.write(`${JSON.stringify({ id: this.#lastId, ...request })}\n`);
    });
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

import { fileURLToPath } from 'node:url';
import { pollUntil } from '../lab/mod.ts';
import type { Place } from '../lab/mod.ts';
import type { LabProcess } from '../lab/lab-process.ts';
import type { PlaneAnswer, PlaneOrder } from './plane-child.ts';

const script = fileURLToPath(new URL('plane-child.ts', import.meta.url));

export interface Faults {
  /** Chance, 0 to 1, that a call on the kernel fails. */
  readonly probability: number;
  readonly seed: number;
}

/** The data planes of both families, by themselves, in a place: see `plane-child.ts`. */
export class Planes {
  readonly #process: LabProcess;
  #orders = 0;

  constructor(started: LabProcess) {
    this.#process = started;
  }

  /** Hands over an order and waits for nothing. */
  order(order: PlaneOrder): void {
    this.#orders += 1;
    this.#process.write(`${JSON.stringify(order)}\n`);
  }

  async ask(order: PlaneOrder): Promise<PlaneAnswer> {
    this.order(order);
    const wanted = `answer ${this.#orders} `;
    const line = await this.#await(`the answer to ${order.op}`, (text) => text.startsWith(wanted));
    return JSON.parse(line.slice(wanted.length)) as PlaneAnswer;
  }

  async ready(): Promise<void> {
    await this.#await('the data planes', (line) => line === 'ready');
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    await this.#process.kill();
  }

  #await(awaited: string, wanted: (line: string) => boolean): Promise<string> {
    const ask = async (): Promise<string | null> => {
      if (!this.#process.running) throw new Error(`the data planes ended: ${this.#process.output}`);
      const lines = this.#process.output.split('\n');
      return lines.slice(0, -1).find(wanted) ?? null;
    };
    return pollUntil(awaited, ask, { timeoutMs: 30_000, everyMs: 5, explain: () => this.#process.output });
  }
}

export async function startPlanes(place: Place, faults: Faults = { probability: 0, seed: 0 }): Promise<Planes> {
  const args = [script, faults.probability, faults.seed].map(String);
  const planes = new Planes(place.spawn(process.execPath, args));
  await planes.ready();
  return planes;
}

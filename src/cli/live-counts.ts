import type { ConnectionsReport, Counts, ServiceCounts, TrafficRates } from '../observe/mod.ts';
import { CountAdder } from './count-adder.ts';
import type { CountRates, CountSum } from './count-adder.ts';

/** Milliseconds after which a look is no longer compared with: nobody had the page open meanwhile. */
const longestInterval = 300_000;

/** What the kernel counts, as the status page is told of it; ten thousand Services in portions, with a `rest` after each. */
export class LiveCounts {
  readonly #rest: () => Promise<void>;
  #adder: CountAdder;
  #lastAt = 0;

  constructor(rest: () => Promise<void>) {
    this.#rest = rest;
    this.#adder = new CountAdder(rest);
  }

  /** What was counted at `now` (milliseconds), as JSON of `ServiceCounts` by Service. Other programs' servers are left out. */
  async take(report: ConnectionsReport, now: number): Promise<ReadonlyMap<string, string>> {
    if (now - this.#lastAt > longestInterval) this.#adder = new CountAdder(this.#rest);
    this.#lastAt = now;
    const texts = new Map<string, string>();
    await this.#adder.take(report, now, (sum) => {
      const endpoints = sum.endpoints.map((one) => ({ endpoint: one.endpoint, ...describe(one) }));
      const counts: ServiceCounts = { service: sum.service, ...describe(sum), endpoints };
      texts.set(sum.service, JSON.stringify(counts));
    });
    return texts;
  }
}

function describe({ active, inactive, persistent, draining, perSecond }: CountSum): Counts {
  return { active, inactive, persistent, perSecond: round(perSecond.active), traffic: ratesOf(perSecond), draining };
}

function ratesOf({ connections, inPackets, outPackets, inBytes, outBytes }: CountRates): TrafficRates | null {
  if (connections === null || inPackets === null || outPackets === null || inBytes === null || outBytes === null) return null;
  return [round(connections), round(inPackets), round(outPackets), Math.round(inBytes), Math.round(outBytes)];
}

function round(rate: number): number {
  return Math.round(rate * 10) / 10;
}

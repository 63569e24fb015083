import type { ConnectionsReport, Counts, ServiceCounts } from '../observe/mod.ts';

/** Virtual servers, and Services, that one turn of the event loop deals with: about a millisecond of work. */
const portion = 100;

interface Sum {
  active: number;
  inactive: number;
  persistent: number;
  draining: boolean;
}

/** Active connections at the look before, by Service and endpoint. */
type Earlier = ReadonlyMap<string, ReadonlyMap<string, number>>;

/**
 * Adds up what the kernel counts by Service and endpoint, as `waypost top` shows it, and by how much it grew since the look before.
 * Made for an agent at work: ten thousand Services are dealt with in portions, with a `rest` after each.
 */
export class LiveCounts {
  readonly #rest: () => Promise<void>;
  #earlier: { readonly active: Earlier; readonly at: number } | null = null;

  constructor(rest: () => Promise<void>) {
    this.#rest = rest;
  }

  /** What was counted at `now` (milliseconds), as JSON of `ServiceCounts` by Service. Other programs' servers are left out. */
  async take({ families }: ConnectionsReport, now: number): Promise<ReadonlyMap<string, string>> {
    const sums = new Map<string, Map<string, Sum>>();
    for (const [index, { service, destinations }] of families.flatMap(({ servers }) => servers).entries()) {
      if (index % portion === portion - 1) await this.#rest();
      if (service === null) continue;
      const endpoints = sums.get(service) ?? new Map<string, Sum>();
      sums.set(service, endpoints);
      for (const { endpoint, ...counted } of destinations) addTo(endpoints, endpoint, counted);
    }
    const seconds = this.#earlier === null ? null : Math.max(200, now - this.#earlier.at) / 1000;
    const texts = new Map<string, string>();
    const active = new Map<string, ReadonlyMap<string, number>>();
    for (const [service, endpoints] of sums) {
      if (texts.size % portion === portion - 1) await this.#rest();
      const counts = describeService(service, endpoints, this.#earlier?.active.get(service), seconds);
      texts.set(service, JSON.stringify(counts));
      active.set(service, new Map([...endpoints].map(([endpoint, sum]) => [endpoint, sum.active])));
    }
    this.#earlier = { active, at: now };
    return texts;
  }
}

function addTo(endpoints: Map<string, Sum>, endpoint: string, counted: Readonly<Sum>): void {
  const sum = endpoints.get(endpoint);
  if (sum === undefined) {
    const { active, inactive, persistent, draining } = counted;
    endpoints.set(endpoint, { active, inactive, persistent, draining });
    return;
  }
  sum.active += counted.active;
  sum.inactive += counted.inactive;
  sum.persistent += counted.persistent;
  sum.draining ||= counted.draining;
}

/** `seconds` null: there was no look before, and so no rate. */
function describeService(
  service: string,
  sums: ReadonlyMap<string, Sum>,
  before: ReadonlyMap<string, number> | undefined,
  seconds: number | null,
): ServiceCounts {
  const total = { active: 0, inactive: 0, persistent: 0, perSecond: 0, draining: false };
  const endpoints: (Counts & { readonly endpoint: string })[] = [];
  for (const [endpoint, sum] of sums) {
    const perSecond = seconds === null ? 0 : (sum.active - (before?.get(endpoint) ?? 0)) / seconds;
    endpoints.push({ endpoint, ...sum, perSecond: roundRate(perSecond) });
    total.active += sum.active;
    total.inactive += sum.inactive;
    total.persistent += sum.persistent;
    total.perSecond += perSecond;
    total.draining ||= sum.draining;
  }
  return { service, ...total, perSecond: roundRate(total.perSecond), endpoints };
}

function roundRate(rate: number): number {
  return Math.round(rate * 10) / 10;
}

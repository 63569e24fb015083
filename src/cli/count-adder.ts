import { trafficFields } from '../model/mod.ts';
import type { BackendConnections, ServerConnections, TrafficCounters } from '../model/mod.ts';
import { TrafficGrowth } from '../observe/mod.ts';
import type { ConnectionsReport } from '../observe/mod.ts';

/** What the kernel counts of a Service, or of one of its endpoints, over all its virtual servers. */
export interface CountSum extends BackendConnections {
  /** One of its endpoints left and serves the connections it has. */
  readonly draining: boolean;
  readonly perSecond: CountRates;
}

/** By how much counts grew in a second; of what passed null where it is not known. */
export interface CountRates extends TrafficCounters {
  /** Less than 0 where more ended than began; 0 at the first look. */
  readonly active: number;
  readonly inactive: number;
}

export interface ServiceSum extends CountSum {
  readonly service: string;
  readonly endpoints: readonly (CountSum & { readonly endpoint: string })[];
}

/** Milliseconds between two looks at least: what passed in fewer would make wild rates. */
export const shortestInterval = 200;

/** Virtual servers, and Services, that one turn of the event loop deals with: about a millisecond of work. */
const portion = 100;

/** The numbers of one endpoint, or of all; those of traffic are not a number where they are not known, and so are their sums. */
const countFields = ['active', 'inactive', 'persistent', ...trafficFields] as const;
const width = countFields.length;
const grownWidth = trafficFields.length;

/** A Service as it is added up, in lists of numbers: objects for 100,000 endpoints would keep the collector of garbage busy. */
interface Counted {
  /** By endpoint: its place in the lists. */
  readonly places: Map<string, number>;
  /** Of each endpoint `countFields` in their order. */
  readonly counts: number[];
  /** Of each endpoint by how much `trafficFields` grew. */
  readonly grown: number[];
  readonly draining: boolean[];
}

type Earlier = Pick<Counted, 'places' | 'counts'>;

/**
 * Adds up by Service and endpoint what the kernel counts, and by how much it grew since the look before. Made for an agent at work
 * too: ten thousand Services are dealt with in portions, with a `rest` after each.
 */
export class CountAdder {
  readonly #rest: () => Promise<void>;
  readonly #growth = new TrafficGrowth();
  #earlier: { readonly services: ReadonlyMap<string, Earlier>; readonly at: number } | null = null;

  constructor(rest: () => Promise<void>) {
    this.#rest = rest;
  }

  /** Adds up what was counted at `now` (milliseconds) and shows one Service after the other. Other programs' servers are left out. */
  async take(report: ConnectionsReport, now: number, show: (sum: ServiceSum) => void): Promise<void> {
    const counted = await this.#addUp(report);
    const earlier = this.#earlier;
    const seconds = earlier === null ? null : Math.max(shortestInterval, now - earlier.at) / 1000;
    const services = new Map<string, Earlier>();
    for (const [service, one] of counted) {
      if (services.size % portion === portion - 1) await this.#rest();
      show(describeService(service, one, earlier?.services.get(service), seconds));
      services.set(service, { places: one.places, counts: one.counts });
    }
    this.#earlier = { services, at: now };
  }

  async #addUp({ families }: ConnectionsReport): Promise<ReadonlyMap<string, Counted>> {
    this.#growth.begin(families.map(({ family }) => family));
    const counted = new Map<string, Counted>();
    let dealtWith = 0;
    for (const { family, servers } of families) {
      for (const server of servers) {
        dealtWith += 1;
        if (dealtWith % portion === 0) await this.#rest();
        const growth = this.#growth.grow(family, server);
        if (server.service === null) continue;
        const one = counted.get(server.service) ?? { places: new Map<string, number>(), counts: [], grown: [], draining: [] };
        counted.set(server.service, one);
        addServer(one, server, growth);
      }
    }
    return counted;
  }
}

function addServer(
  { places, counts, grown, draining }: Counted,
  { destinations }: ServerConnections,
  growth: Float64Array,
): void {
  for (const [index, destination] of destinations.entries()) {
    let place = places.get(destination.endpoint);
    if (place === undefined) {
      place = places.size;
      places.set(destination.endpoint, place);
      for (let field = 0; field < width; field += 1) counts.push(0);
      for (let field = 0; field < grownWidth; field += 1) grown.push(0);
      draining.push(false);
    }
    draining[place] ||= destination.draining;
    addTo(counts, place * width, destination);
    for (let field = 0; field < grownWidth; field += 1) {
      const at = place * grownWidth + field;
      grown[at] = (grown[at] ?? 0) + (growth[index * grownWidth + field] ?? 0);
    }
  }
}

function addTo(counts: number[], at: number, counted: BackendConnections): void {
  for (let field = 0; field < width; field += 1)
    counts[at + field] = (counts[at + field] ?? 0) + (counted[countFields[field] ?? 'active'] ?? Number.NaN);
}

function describeService(service: string, counted: Counted, before: Earlier | undefined, seconds: number | null): ServiceSum {
  const { places, counts, grown, draining } = counted;
  const endpoints: ServiceSum['endpoints'][number][] = [];
  for (const [endpoint, place] of places) {
    const then = before?.places.get(endpoint);
    const change = {
      growth: grown,
      growthAt: place * grownWidth,
      before: then === undefined ? [] : (before?.counts ?? []),
      beforeAt: (then ?? 0) * width,
      seconds,
    };
    endpoints.push({ endpoint, ...describe(counts, place * width, draining[place] ?? false, change) });
  }
  const change = {
    growth: addParts(grown, grownWidth),
    growthAt: 0,
    before: addParts(before?.counts ?? [], width),
    beforeAt: 0,
    seconds,
  };
  return { service, ...describe(addParts(counts, width), 0, draining.includes(true), change), endpoints };
}

/** The sums of lists that stand one behind the other. */
function addParts(numbers: readonly number[], length: number): readonly number[] {
  const sums = numbers.slice(0, length);
  for (let at = length; at < numbers.length; at += 1) sums[at % length] = (sums[at % length] ?? 0) + (numbers[at] ?? 0);
  return sums;
}

/** What counts are compared with: lists, and where in them the numbers of an endpoint begin. */
interface Change {
  readonly growth: readonly number[];
  readonly growthAt: number;
  /** What is not there had no connections. */
  readonly before: readonly number[];
  readonly beforeAt: number;
  /** Null: there was no look before, and so no rate. */
  readonly seconds: number | null;
}

function describe(counts: readonly number[], at: number, draining: boolean, change: Change): CountSum {
  const { growth, growthAt, before, beforeAt } = change;
  const seconds = change.seconds ?? Number.NaN;
  const active = counts[at] ?? 0;
  const inactive = counts[at + 1] ?? 0;
  return {
    active,
    inactive,
    persistent: counts[at + 2] ?? 0,
    connections: numberAt(counts, at + 3, 1),
    inPackets: numberAt(counts, at + 4, 1),
    outPackets: numberAt(counts, at + 5, 1),
    inBytes: numberAt(counts, at + 6, 1),
    outBytes: numberAt(counts, at + 7, 1),
    draining,
    perSecond: {
      active: change.seconds === null ? 0 : (active - (before[beforeAt] ?? 0)) / seconds,
      inactive: change.seconds === null ? 0 : (inactive - (before[beforeAt + 1] ?? 0)) / seconds,
      connections: numberAt(growth, growthAt, seconds),
      inPackets: numberAt(growth, growthAt + 1, seconds),
      outPackets: numberAt(growth, growthAt + 2, seconds),
      inBytes: numberAt(growth, growthAt + 3, seconds),
      outBytes: numberAt(growth, growthAt + 4, seconds),
    },
  };
}

/** Divided; null for what is not known. */
function numberAt(numbers: readonly number[], at: number, divisor: number): number | null {
  const number = (numbers[at] ?? 0) / divisor;
  return Number.isNaN(number) ? null : number;
}

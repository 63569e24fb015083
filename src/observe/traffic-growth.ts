import { trafficFields } from '../model/mod.ts';
import type { Family, ServerConnections } from '../model/mod.ts';

/** What a server had at a look: lists of numbers and not objects, for there may be 100,000 destinations. */
interface Remembered {
  /** In the order in which the kernel listed them, which changes seldom. */
  readonly endpoints: readonly string[];
  /** Of each destination `trafficFields` in their order; not a number where it is not known. */
  readonly counters: Float64Array;
  /** Destinations that were taken out, the latest last: IPVS brings one back with the counters it had. */
  readonly gone: ReadonlyMap<string, Float64Array>;
}

/** Destinations that a server may have lost and still be remembered with. */
const mostGone = 64;

const width = trafficFields.length;
const zeros = new Float64Array(width);
const nothing: Remembered = { endpoints: [], counters: new Float64Array(0), gone: new Map() };

/** By how much the kernel's counters grew from one look to the next, destination by destination: sums become less when one leaves. */
export class TrafficGrowth {
  #earlier: ReadonlyMap<Family, ReadonlyMap<string, Remembered>> = new Map();
  #now: ReadonlyMap<Family, Map<string, Remembered>> = new Map();

  /** A look at these families begins; it will be compared with the one before. */
  begin(families: readonly Family[]): void {
    this.#earlier = this.#now;
    this.#now = new Map(families.map((family) => [family, new Map()]));
  }

  /**
   * The growth of a server's destinations in their order, of each `trafficFields` in their order; not a number where it is not
   * known: the driver is not told, or the look before lacks the family. What is new in a family that was looked at began at 0, and
   * so did a counter that went backwards. Wants other programs' servers too: they may become ours with all that they have counted.
   */
  grow(family: Family, { server, destinations }: ServerConnections): Float64Array {
    const known = this.#earlier.get(family);
    const before = known?.get(server) ?? nothing;
    const endpoints = destinations.map(({ endpoint }) => endpoint);
    const counters = new Float64Array(width * destinations.length);
    const growth = new Float64Array(counters.length).fill(Number.NaN);
    const find = finder(before);
    for (const [index, destination] of destinations.entries()) {
      const at = index * width;
      for (let field = 0; field < width; field += 1)
        counters[at + field] = destination[trafficFields[field] ?? 'connections'] ?? Number.NaN;
      if (known === undefined) continue;
      const { numbers, start } = find(destination.endpoint, index);
      for (let field = 0; field < width; field += 1)
        growth[at + field] = difference(counters[at + field] ?? 0, numbers[start + field] ?? 0);
    }
    this.#now.get(family)?.set(server, { endpoints, counters, gone: rememberGone(before, endpoints) });
    return growth;
  }
}

function difference(after: number, before: number): number {
  return after < before ? after : after - before;
}

interface Found {
  readonly numbers: Float64Array;
  readonly start: number;
}

/** Looks up what a destination had before: by its place in the list, and only where lists differ by its name. */
function finder({ endpoints, counters, gone }: Remembered): (endpoint: string, index: number) => Found {
  let places: ReadonlyMap<string, number> | null = null;
  return (endpoint, index) => {
    if (endpoints[index] === endpoint) return { numbers: counters, start: index * width };
    places ??= new Map(endpoints.map((one, place) => [one, place]));
    const place = places.get(endpoint);
    if (place !== undefined) return { numbers: counters, start: place * width };
    return { numbers: gone.get(endpoint) ?? zeros, start: 0 };
  };
}

function rememberGone({ endpoints, counters, gone }: Remembered, present: readonly string[]): Remembered['gone'] {
  if (gone.size === 0 && endpoints.every((endpoint, index) => present[index] === endpoint)) return gone;
  const here = new Set(present);
  const all = [...gone].filter(([endpoint]) => !here.has(endpoint));
  for (const [index, endpoint] of endpoints.entries())
    if (!here.has(endpoint)) all.push([endpoint, counters.slice(index * width, (index + 1) * width)]);
  return new Map(all.slice(-mostGone));
}

import { formatType, recordType } from './constants.ts';
import type { Stage } from './resolution.ts';

/** Bounds of the histograms, as dashboards for other DNS servers know them (specification 19). Seconds. */
export const durationBounds: readonly number[] = Array.from({ length: 16 }, (_, index) => 0.000_25 * 2 ** index);
/** Octets. */
export const sizeBounds: readonly number[] = [0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16_000, 32_000, 48_000, 64_000];

const { A, AAAA, ANY, CNAME, DNSKEY, DS, HTTPS, MX, NAPTR, NS, PTR, SOA, SRV, TXT } = recordType;
const ownTypes = [A, AAAA, ANY, CNAME, DNSKEY, DS, HTTPS, MX, NAPTR, NS, PTR, SOA, SRV, TXT];

/** Labels of {@link LaneCounts.requests}, by index modulo their number; all types without one of their own are the last. */
export const typeLabels: readonly string[] = [...ownTypes.map(formatType), 'other'];
const typeIndexes = Uint8Array.from({ length: 256 }, (_, type) => {
  const index = ownTypes.indexOf(type as (typeof ownTypes)[number]);
  return index < 0 ? ownTypes.length : index;
});

const stages: readonly Stage[] = ['', 'acl', 'autopath', 'cache', 'forward', 'hosts', 'kubernetes', 'rewrite', 'template'];

/** Codes up to BADVERS; what lies beyond does not come from here. */
const codes = 17;

/**
 * What a worker counted for one listening address and one server block. Plain arrays, so that counting costs next to
 * nothing and the whole can be copied to another thread.
 */
export interface LaneCounts {
  /** By protocol (0 UDP, 1 TCP), family (0 IPv4, 1 IPv6), type: `(protocol * 2 + family) * typeLabels.length + type`. */
  readonly requests: Float64Array;
  /** By stage and code: `stage * 17 + code`. */
  readonly responses: Float64Array;
  /** One place for each bound and one beyond them, then the sum. */
  readonly durations: Float64Array;
  /** By protocol. */
  readonly requestSizes: readonly [Float64Array, Float64Array];
  readonly responseSizes: readonly [Float64Array, Float64Array];
  /** One place: questions with the DO bit. */
  readonly dnssecOk: Float64Array;
  /** One place: messages that were dropped without a reply. */
  readonly dropped: Float64Array;
}

export function makeLaneCounts(): LaneCounts {
  const sizes = (): Float64Array => new Float64Array(sizeBounds.length + 2);
  return {
    requests: new Float64Array(4 * typeLabels.length),
    responses: new Float64Array(stages.length * codes),
    durations: new Float64Array(durationBounds.length + 2),
    requestSizes: [sizes(), sizes()],
    responseSizes: [sizes(), sizes()],
    dnssecOk: new Float64Array(1),
    dropped: new Float64Array(1),
  };
}

/** The place of a request in {@link LaneCounts.requests}. */
export function requestIndex(stream: boolean, octets: 4 | 16, type: number): number {
  const kind = (stream ? 2 : 0) + (octets === 16 ? 1 : 0);
  return kind * typeLabels.length + (type < 256 ? (typeIndexes[type] ?? 0) : typeLabels.length - 1);
}

/** The place of a reply in {@link LaneCounts.responses}. */
export function responseIndex(stage: Stage, rcode: number): number {
  return stages.indexOf(stage) * codes + Math.min(rcode, codes - 1);
}

/** Takes a place of {@link LaneCounts.responses} apart. */
export function labelsOfResponse(index: number): { readonly stage: Stage; readonly rcode: number } {
  return { stage: stages[Math.floor(index / codes)] ?? '', rcode: index % codes };
}

/** Replies that came from a stage. */
export function countOfStage({ responses }: Pick<LaneCounts, 'responses'>, stage: Stage): number {
  const from = responseIndex(stage, 0);
  return responses.subarray(from, from + codes).reduce((sum, count) => sum + count, 0);
}

export function increment(counts: Float64Array, index: number): void {
  counts[index] = (counts[index] ?? 0) + 1;
}

/** Counts a value into the first bucket whose bound is not below it. */
export function observe(counts: Float64Array, bounds: readonly number[], value: number): void {
  let index = 0;
  while (index < bounds.length && value > (bounds[index] ?? 0)) index += 1;
  increment(counts, index);
  counts[bounds.length + 1] = (counts[bounds.length + 1] ?? 0) + value;
}

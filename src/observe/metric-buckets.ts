import { exponentialBuckets } from './metrics.ts';

/** Specification 8.2, buckets A: seconds that a piece of work takes. */
export const workSeconds: readonly number[] = exponentialBuckets(0.001, 2, 15);

/** Specification 8.2, buckets B: seconds from a change in the cluster to the kernel, up to five minutes. */
export const programmingSeconds: readonly number[] = [
  0.25,
  0.5,
  ...risingBy(1, 1, 59),
  ...risingBy(5, 60, 115),
  ...risingBy(30, 120, 300),
];

/** client-go's: seconds of one request to the API server. */
export const requestSeconds: readonly number[] = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];

function risingBy(step: number, first: number, last: number): number[] {
  return Array.from({ length: (last - first) / step + 1 }, (_, index) => first + index * step);
}

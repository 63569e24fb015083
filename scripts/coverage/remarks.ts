import type { Remark } from './render-coverage.ts';

function unproven(text: string): Remark {
  return { kind: 'unproven', text };
}

/** Written by hand: why an item has no test, what its tests leave out, and where the product differs on purpose. */
export const remarks: ReadonlyMap<number, Remark> = new Map<number, Remark>([[180, unproven('')]]);

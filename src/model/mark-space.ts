/**
 * The packet marks that a node gives to publications (specification of ingress, 5). Numbers are scattered into the set
 * bits of the mask from low to high, so that a mask need not be contiguous.
 */
export interface MarkSpace {
  /** Unsigned 32 bits: the bits of a mark that are ours. */
  readonly mask: number;
  /** The smallest number that is given; those below are left to others. 0 counts as 1, because a mark of 0 is no mark. */
  readonly first: number;
}

/** How many marks there are: indices go from 0 to one less. */
export function capacityOf({ mask, first }: MarkSpace): number {
  return Math.max(0, 2 ** bitsOf(mask).length - smallest(first));
}

/** The mark of an index, which is unsigned and has no bit outside the mask; null for an index beyond the capacity. */
export function markOfIndex(space: MarkSpace, index: number): number | null {
  if (!Number.isInteger(index) || index < 0 || index >= capacityOf(space)) return null;
  const number = index + smallest(space.first);
  const mark = bitsOf(space.mask).reduce((sum, bit, at) => sum + (Math.floor(number / 2 ** at) % 2) * 2 ** bit, 0);
  return mark;
}

/** The index of a mark, or null for one that is not of this space. */
export function indexOfMark({ mask, first }: MarkSpace, mark: number): number | null {
  if (!Number.isInteger(mark) || mark < 0 || mark >= 2 ** 32 || (mark & ~mask) !== 0) return null;
  const number = bitsOf(mask).reduce((sum, bit, at) => sum + ((mark >>> bit) & 1) * 2 ** at, 0);
  return number < smallest(first) ? null : number - smallest(first);
}

function smallest(first: number): number {
  return Math.max(1, first);
}

/** Places of the set bits, low to high. */
function bitsOf(mask: number): readonly number[] {
  return Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => ((mask >>> bit) & 1) === 1);
}

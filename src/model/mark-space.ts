/** The packet marks that ingress may give: numbers are scattered over the set bits of `mask`, the lowest first. */
export interface MarkSpace {
  /** Unsigned 32 bits; they need not be neighbours. */
  readonly mask: number;
  /** The first mark that is given; those below it in the mask are left to others. Never 0. */
  readonly first: number;
}

/** How many marks there are. */
export function capacityOf({ mask, first }: MarkSpace): number {
  return 2 ** bitsOf(mask).length - gather(mask, first);
}

/** The mark with this index, from 0 to the capacity. */
export function markOfIndex({ mask, first }: MarkSpace, index: number): number {
  let rest = gather(mask, first) + index;
  let mark = 0;
  for (const bit of bitsOf(mask)) {
    if (rest % 2 === 1) mark += 2 ** bit;
    rest = Math.floor(rest / 2);
  }
  return mark;
}

/** Null for a mark that is not of this space. */
export function indexOfMark({ mask, first }: MarkSpace, mark: number): number | null {
  if ((mark & ~mask) !== 0) return null;
  const index = gather(mask, mark) - gather(mask, first);
  return index < 0 ? null : index;
}

/** The bits of a mark that the mask has, next to each other. */
function gather(mask: number, mark: number): number {
  return bitsOf(mask).reduce((sum, bit, place) => sum + (isSet(mark, bit) ? 2 ** place : 0), 0);
}

function bitsOf(mask: number): readonly number[] {
  return Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => isSet(mask, bit));
}

function isSet(value: number, bit: number): boolean {
  return ((value >>> bit) & 1) === 1;
}

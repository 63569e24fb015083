/** Rows beyond each edge that are there before anybody scrolls to them. */
const margin = 8;

export interface Viewport {
  /** Pixels above the upper edge. */
  readonly top: number;
  readonly height: number;
  readonly rowHeight: number;
}

/** The first row that has to be there, and the one behind the last. */
export function findVisible({ top, height, rowHeight }: Viewport, count: number): { readonly from: number; readonly to: number } {
  const from = Math.max(0, Math.floor(top / rowHeight) - margin);
  return { from: Math.min(from, count), to: Math.min(count, Math.ceil((top + height) / rowHeight) + margin) };
}

/** Where to scroll so that a row is whole; null: it is. */
export function scrollTarget({ top, height, rowHeight }: Viewport, index: number): number | null {
  const start = index * rowHeight;
  if (start < top) return start;
  return start + rowHeight > top + height ? start + rowHeight - height : null;
}

/** The row that a key leads to from `index` (-1: none yet); null: the key is for something else. */
export function stepTo(key: string, index: number, count: number, page: number): number | null {
  if (count === 0) return null;
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: index + 1,
    ArrowUp: index - 1,
    PageDown: index + page,
    PageUp: index - page,
    Home: 0,
    End: count - 1,
  };
  const target = steps[key];
  return target === undefined ? null : Math.max(0, Math.min(count - 1, target));
}

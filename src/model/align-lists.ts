/** An item of one list beside the item of the other in whose place it stands. Positions are counted from 0. */
export interface AlignedPair {
  readonly held: number | null;
  readonly wanted: number | null;
}

/**
 * The places where two ordered lists of texts differ. What stands between the same neighbours is taken for one item that was
 * changed; an item that moved goes at one place and comes at another. Costs as much as both lists are long.
 */
export function alignLists(held: readonly string[], wanted: readonly string[]): readonly AlignedPair[] {
  const pairs: AlignedPair[] = [];
  const left = { held: count(held), wanted: count(wanted) };
  let gone: number[] = [];
  let come: number[] = [];
  const close = (): void => {
    for (let at = 0; at < Math.max(gone.length, come.length); at += 1) {
      pairs.push({ held: gone[at] ?? null, wanted: come[at] ?? null });
    }
    [gone, come] = [[], []];
  };
  let [i, j] = [0, 0];
  while (i < held.length || j < wanted.length) {
    const [have, want] = [held[i], wanted[j]];
    if (have !== undefined && have === want) {
      close();
      take(left.held, have);
      take(left.wanted, have);
      i += 1;
      j += 1;
    } else if (want !== undefined && !left.held.has(want)) {
      come.push(j);
      take(left.wanted, want);
      j += 1;
    } else if (have !== undefined) {
      gone.push(i);
      take(left.held, have);
      i += 1;
    }
  }
  close();
  return pairs;
}

function count(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

function take(counts: Map<string, number>, text: string): void {
  const left = (counts.get(text) ?? 0) - 1;
  if (left > 0) counts.set(text, left);
  else counts.delete(text);
}

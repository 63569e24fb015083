/** Microseconds up to which latencies are told apart one by one. */
const fine = 10_000;

/** Counts latencies without keeping them: to the microsecond below 10 ms, to the millisecond above. */
export class LatencyTable {
  readonly #counts = new Uint32Array(fine + 2000);
  #total = 0;

  add(microseconds: number): void {
    const index = microseconds < fine ? Math.max(0, Math.floor(microseconds)) : fine + Math.floor((microseconds - fine) / 1000);
    const place = Math.min(index, this.#counts.length - 1);
    this.#counts[place] = (this.#counts[place] ?? 0) + 1;
    this.#total += 1;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#total = 0;
  }

  /** Microseconds that the given part of all took no longer than. */
  quantile(part: number): number {
    let left = Math.ceil(this.#total * part);
    for (const [index, count] of this.#counts.entries()) {
      left -= count;
      if (left <= 0) return index < fine ? index + 1 : fine + (index - fine + 1) * 1000;
    }
    return 0;
  }
}

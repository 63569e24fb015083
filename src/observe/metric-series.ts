/** The series of one metric. */
export interface Series {
  lines(): Iterable<string>;
}

/** Series that hold one number: counters and gauges. */
export class CounterSeries implements Series {
  readonly #name: string;
  readonly #labels: readonly string[];
  readonly #values = new Map<string, number>();

  constructor(name: string, labels: readonly string[]) {
    this.#name = name;
    this.#labels = labels;
    this.clear();
  }

  add(labels: readonly string[], amount: number): void {
    const key = labelText(this.#name, this.#labels, labels);
    this.#values.set(key, (this.#values.get(key) ?? 0) + amount);
  }

  set(labels: readonly string[], value: number): void {
    this.#values.set(labelText(this.#name, this.#labels, labels), value);
  }

  clear(): void {
    this.#values.clear();
    if (this.#labels.length === 0) this.#values.set('', 0);
  }

  *lines(): Iterable<string> {
    for (const [key, value] of this.#values) yield `${this.#name}${key === '' ? '' : `{${key}}`} ${formatNumber(value)}`;
  }
}

interface Spread {
  /** Observations in each bucket alone, the infinite one last. */
  readonly counts: number[];
  sum: number;
}

/** Series that count observations in buckets. */
export class HistogramSeries implements Series {
  readonly #name: string;
  readonly #labels: readonly string[];
  readonly #bounds: readonly number[];
  readonly #spreads = new Map<string, Spread>();

  constructor(name: string, labels: readonly string[], bounds: readonly number[]) {
    this.#name = name;
    this.#labels = labels;
    this.#bounds = bounds;
    if (labels.length === 0) this.#spreadOf([]);
  }

  show(labels: readonly string[]): void {
    this.#spreadOf(labels);
  }

  observe(labels: readonly string[], value: number): void {
    const spread = this.#spreadOf(labels);
    const found = this.#bounds.findIndex((bound) => value <= bound);
    const index = found < 0 ? this.#bounds.length : found;
    spread.counts[index] = (spread.counts[index] ?? 0) + 1;
    spread.sum += value;
  }

  put(labels: readonly string[], counts: readonly number[], sum: number): void {
    const spread = this.#spreadOf(labels);
    for (const index of spread.counts.keys()) spread.counts[index] = counts[index] ?? 0;
    spread.sum = sum;
  }

  *lines(): Iterable<string> {
    for (const [key, { counts, sum }] of this.#spreads) {
      const comma = key === '' ? '' : ',';
      let total = 0;
      for (const [index, count] of counts.entries()) {
        total += count;
        yield `${this.#name}_bucket{${key}${comma}le="${formatNumber(this.#bounds[index] ?? Number.POSITIVE_INFINITY)}"} ${total}`;
      }
      const braces = key === '' ? '' : `{${key}}`;
      yield `${this.#name}_sum${braces} ${formatNumber(sum)}`;
      yield `${this.#name}_count${braces} ${total}`;
    }
  }

  #spreadOf(labels: readonly string[]): Spread {
    const key = labelText(this.#name, this.#labels, labels);
    let spread = this.#spreads.get(key);
    if (spread === undefined) {
      spread = { counts: Array.from({ length: this.#bounds.length + 1 }, () => 0), sum: 0 };
      this.#spreads.set(key, spread);
    }
    return spread;
  }
}

/** `a="x",b="y"`, which is also the series' key: escaping keeps different values different. */
function labelText(metric: string, names: readonly string[], values: readonly string[]): string {
  if (names.length !== values.length) throw new TypeError(`${metric} has ${names.length} labels, not ${values.length}`);
  return names.map((name, index) => `${name}="${escapeValue(values[index] ?? '')}"`).join(',');
}

function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function formatNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}

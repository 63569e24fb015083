import { CounterSeries, HistogramSeries } from './metric-series.ts';
import type { Series } from './metric-series.ts';

/** Values of a metric's labels, in the order of its label names. */
export type LabelValues = readonly string[];

export interface MetricOptions {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

export interface Counter {
  add(labels: LabelValues, amount?: number): void;
}

export interface Gauge {
  set(labels: LabelValues, value: number): void;
  add(labels: LabelValues, amount: number): void;
  /** Forgets all series, for gauges that are counted anew on each scrape. */
  clear(): void;
}

export interface Histogram {
  /** Shows a series before its first observation. */
  show(labels: LabelValues): void;
  observe(labels: LabelValues, value: number): void;
}

/** A counter or histogram whose counting is done elsewhere. */
export interface CountedCounter {
  /** The total at present. */
  put(labels: LabelValues, total: number): void;
  /** Forgets all series, for what may be gone. */
  clear(): void;
}

export interface CountedHistogram {
  /** How many observations fell into each bucket, those beyond the last bound included, and the sum of them all. */
  put(labels: LabelValues, counts: readonly number[], sum: number): void;
}

/** A metric as dashboards have to know it. */
export interface MetricDescription {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
}

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/**
 * Metrics and their Prometheus text (exposition format 0.0.4). A metric without labels is there from the
 * start, one with labels has a series after its first observation. Wrong names and label counts are bugs and throw.
 */
export class Registry {
  readonly #metrics = new Map<
    string,
    { readonly description: MetricDescription; readonly head: string; readonly series: Series }
  >();
  readonly #collectors: (() => void)[] = [];
  readonly #slowCollectors: (() => Promise<void>)[] = [];

  counter(options: MetricOptions): Counter {
    const series = this.#register(options, 'counter', new CounterSeries(options.name, options.labels ?? []));
    return {
      add: (labels, amount = 1) => {
        if (!(amount >= 0)) throw new RangeError(`${options.name}: a counter only grows`);
        series.add(labels, amount);
      },
    };
  }

  gauge(options: MetricOptions): Gauge {
    const series = this.#register(options, 'gauge', new CounterSeries(options.name, options.labels ?? []));
    return {
      set: (labels, value) => series.set(labels, value),
      add: (labels, amount) => series.add(labels, amount),
      clear: () => series.clear(),
    };
  }

  /** `buckets` are upper bounds in rising order, the infinite one left out. */
  histogram(options: MetricOptions & { readonly buckets: readonly number[] }): Histogram {
    const { name, labels = [], buckets } = options;
    if (buckets.some((bound, index) => !Number.isFinite(bound) || bound <= (buckets[index - 1] ?? Number.NEGATIVE_INFINITY))) {
      throw new RangeError(`${name}: bounds must be finite and rise`);
    }
    if (labels.includes('le')) throw new TypeError(`${name}: the label le belongs to the format`);
    const series = this.#register(options, 'histogram', new HistogramSeries(name, labels, buckets));
    return { show: (values) => series.show(values), observe: (values, value) => series.observe(values, value) };
  }

  /** A counter that other threads count; {@link collectSlowly} brings its totals. */
  countedCounter(options: MetricOptions): CountedCounter {
    const series = this.#register(options, 'counter', new CounterSeries(options.name, options.labels ?? []));
    return { put: (labels, total) => series.set(labels, total), clear: () => series.clear() };
  }

  /** The same for a histogram. */
  countedHistogram(options: MetricOptions & { readonly buckets: readonly number[] }): CountedHistogram {
    const { name, labels = [], buckets } = options;
    const series = this.#register(options, 'histogram', new HistogramSeries(name, labels, buckets));
    return { put: (values, counts, sum) => series.put(values, counts, sum) };
  }

  /** Runs the function before each rendering, to set gauges whose values are read and not counted. */
  collect(collector: () => void): void {
    this.#collectors.push(collector);
  }

  /** The same for values that have to be waited for, by {@link gather} alone. It may not reject. */
  collectSlowly(collector: () => Promise<void>): void {
    this.#slowCollectors.push(collector);
  }

  /** Everything that is registered, whether or not it has a series. */
  list(): readonly MetricDescription[] {
    return [...this.#metrics.values()].map(({ description }) => description);
  }

  /** The text of all metrics, once the slow collectors are done. */
  async gather(): Promise<string> {
    await Promise.all(this.#slowCollectors.map((collector) => collector()));
    return this.render();
  }

  /** The text of all metrics as they stand. */
  render(): string {
    for (const collector of this.#collectors) collector();
    const parts: string[] = [];
    for (const { head, series } of this.#metrics.values()) {
      const lines = [...series.lines()];
      if (lines.length > 0) parts.push(head, ...lines);
    }
    return parts.length === 0 ? '' : `${parts.join('\n')}\n`;
  }

  #register<S extends Series>(options: MetricOptions, type: MetricDescription['type'], series: S): S {
    const { name, help, labels = [] } = options;
    if (!metricName.test(name)) throw new TypeError(`not a metric name: ${name}`);
    for (const label of labels) if (!labelName.test(label)) throw new TypeError(`${name}: not a label name: ${label}`);
    if (this.#metrics.has(name)) throw new TypeError(`${name} is registered already`);
    const text = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
    const description = { name, type, help, labels };
    this.#metrics.set(name, { description, head: `# HELP ${name} ${text}\n# TYPE ${name} ${type}`, series });
    return series;
  }
}

/** `count` upper bounds that begin with `start` and grow by `factor`. */
export function exponentialBuckets(start: number, factor: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => start * factor ** index);
}

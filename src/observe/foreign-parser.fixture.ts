// @ts-expect-error the package has no types
import parse from 'parse-prometheus-text-format';

/** A family of metrics as a parser sees it that is not ours. Buckets and values are text. */
export interface ForeignFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'COUNTER' | 'GAUGE' | 'HISTOGRAM' | 'SUMMARY' | 'UNTYPED';
  readonly metrics: readonly {
    readonly labels?: Readonly<Record<string, string>>;
    readonly value?: string;
    readonly buckets?: Readonly<Record<string, string>>;
  }[];
}

/**
 * Reads the text of `/metrics` with a parser that was written elsewhere, by family name. It joins the buckets of
 * histograms and drops their other labels; {@link readSamplesWithForeignParser} keeps them.
 */
export function readWithForeignParser(text: string): ReadonlyMap<string, ForeignFamily> {
  const families = (parse as (text: string) => ForeignFamily[])(text);
  return new Map(families.map((family) => [family.name, family]));
}

/** As {@link readWithForeignParser}, but without types: buckets, sums and counts are families with all their labels. */
export function readSamplesWithForeignParser(text: string): ReadonlyMap<string, ForeignFamily> {
  return readWithForeignParser(text.replaceAll(/^#.*\n/gm, ''));
}

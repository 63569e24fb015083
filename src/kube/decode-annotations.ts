import { isObject, noteAnnotation } from './decode-fields.ts';
import type { Findings } from './decode-fields.ts';

/** The annotations of one object while they are read. */
export interface Annotations {
  readonly findings: Findings;
  readonly values: Readonly<Record<string, unknown>>;
}

/** What annotations of ours begin with. */
const prefix = 'waypost.dev/';

/** Longer than the longest number, word or time that an annotation may hold. */
const maxWordLength = 64;

const noValues: Annotations['values'] = {};

/** Begins to read annotations. What is no object has none: the API server lets nothing else through. */
export function openAnnotations(findings: Findings, values: unknown): Annotations {
  return { findings, values: isObject(values) ? values : noValues };
}

/** True where one of these annotations of ours, named without the prefix, has a value. */
export function hasAnyAnnotation({ values }: Annotations, names: ReadonlySet<string>): boolean {
  for (const name in values) {
    if (name.startsWith(prefix) && names.has(name.slice(prefix.length)) && !isUnset(values[name])) return true;
  }
  return false;
}

/** Notes that an annotation, or a part of it, cannot be used. `name` is without the prefix, as everywhere here. */
export function noteValue({ findings }: Annotations, name: string, value: unknown, consequence: string): void {
  noteAnnotation(findings, prefix + name, value, consequence);
}

/** An annotation as it was written; undefined where there is none, and for the empty text. */
export function valueOf({ values }: Annotations, name: string): unknown {
  const value = values[prefix + name];
  return isUnset(value) ? undefined : value;
}

/** Text of at most `maxLength` characters without blanks around it; null where absent, and where it is none, which is noted. */
export function textOf(annotations: Annotations, name: string, maxLength: number, consequence: string): string | null {
  const value = valueOf(annotations, name);
  if (value === undefined) return null;
  if (typeof value === 'string' && value.length <= maxLength) return value.trim();
  noteValue(annotations, name, value, consequence);
  return null;
}

/** What `parse` makes of a short text; `otherwise` where absent, and where it makes null of it, which is noted. */
export function parsedOf<T, O>(
  annotations: Annotations,
  name: string,
  parse: (text: string) => T | null,
  otherwise: O,
  consequence: string,
): T | O {
  const text = textOf(annotations, name, maxWordLength, consequence);
  if (text === null) return otherwise;
  const value = parse(text);
  if (value !== null) return value;
  noteValue(annotations, name, text, consequence);
  return otherwise;
}

/** One of `choices`; `otherwise` where absent, and where it is something else, which is noted. */
export function wordOf<const C extends string, O>(
  annotations: Annotations,
  name: string,
  choices: readonly C[],
  otherwise: O,
  consequence = 'it is ignored',
): C | O {
  const parse = (text: string): C | null => choices.find((choice) => choice === text) ?? null;
  return parsedOf(annotations, name, parse, otherwise, `${listChoices(choices)} is needed, ${consequence}`);
}

/** A whole number from `low` to `high`; `otherwise` where absent, and where it is something else, which is noted. */
export function wholeOf<O>(annotations: Annotations, name: string, low: number, high: number, otherwise: O): number | O {
  const parse = (text: string): number | null => {
    const number = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    return number >= low && number <= high ? number : null;
  };
  return parsedOf(annotations, name, parse, otherwise, `a whole number from ${low} to ${high} is needed, it is ignored`);
}

function listChoices(choices: readonly string[]): string {
  return choices.length < 2 ? choices.join('') : `${choices.slice(0, -1).join(', ')} or ${choices.at(-1) ?? ''}`;
}

function isUnset(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

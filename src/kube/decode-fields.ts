import type { Problem, ServiceKey } from '../model/mod.ts';

/** A record with what had to be left out of it, or why there is no record at all. */
export type Decoded<T> =
  | { readonly ok: true; readonly value: T; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problem: Problem };

/** Collects what was left out of one object while it is read. */
export interface Findings {
  /** Kind and name of the object, the start of every message. */
  readonly subject: string;
  /** The key of the object where it is a Service, so that its owner can be told. */
  readonly service: ServiceKey | null;
  problems: Problem[] | null;
  omitted: number;
}

/** A list of a thousand malformed entries must not become a thousand log lines. */
const maxProblems = 20;

const maxShownText = 60;

const noProblems: readonly Problem[] = [];

const noItems: readonly unknown[] = [];

/** Begins to read one object; `subject` is for example `Service default/web`. */
export function beginFindings(subject: string, service: ServiceKey | null = null): Findings {
  return { subject, service, problems: null, omitted: 0 };
}

/** Notes that the value at `path` cannot be used; `consequence` says what is done instead. */
export function noteMalformed(findings: Findings, path: string, value: unknown, consequence: string): void {
  findings.problems ??= [];
  if (findings.problems.length >= maxProblems) {
    findings.omitted += 1;
    return;
  }
  const message = `${findings.subject}: ${path} is ${describeValue(value)}: ${consequence}`;
  findings.problems.push({ code: 'WP_KUBE_FIELD', message });
}

/**
 * The same for what an annotation of ours says, which nobody but us checks: the problem names the Service, so that an
 * Event tells whoever wrote it.
 */
export function noteAnnotation(findings: Findings, name: string, value: unknown, consequence: string): void {
  const before = findings.problems?.length ?? 0;
  noteMalformed(findings, `annotation ${name}`, value, consequence);
  const noted = findings.problems?.[before];
  if (noted === undefined || findings.service === null) return;
  findings.problems?.splice(before, 1, { ...noted, code: 'WP_KUBE_ANNOTATION', service: findings.service });
}

/** The record with everything noted on the way; at most 21 warnings. */
export function finishDecoded<T>(findings: Findings, value: T): Decoded<T> {
  const { problems, omitted, subject } = findings;
  if (problems === null) return { ok: true, value, warnings: noProblems };
  if (omitted === 0) return { ok: true, value, warnings: problems };
  const more: Problem = { code: 'WP_KUBE_FIELD', message: `${subject}: ${omitted} more malformed fields` };
  return { ok: true, value, warnings: [...problems, more] };
}

/** The object makes no sense as a whole (`WP_KUBE_OBJECT`). */
export function refuseObject(subject: string, reason: string): { readonly ok: false; readonly problem: Problem } {
  return { ok: false, problem: { code: 'WP_KUBE_OBJECT', message: `${subject}: ${reason}` } };
}

/** A field of a JSON object; undefined where absent, null, or where `value` is no object. */
export function fieldOf(value: unknown, name: string): unknown {
  if (!isObject(value)) return undefined;
  return value[name] ?? undefined;
}

/** True for a JSON object: neither null nor a list. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The items of a JSON list; empty where absent, and noted where it is something else. */
export function listOf(findings: Findings, path: string, value: unknown): readonly unknown[] {
  if (value === undefined) return noItems;
  if (Array.isArray(value)) return value;
  noteMalformed(findings, path, value, 'a list is needed, it is ignored');
  return noItems;
}

/** One of `choices`; `otherwise` where absent, and where it is something else, which is noted. */
export function choiceOf<C extends string>(
  findings: Findings,
  path: string,
  value: unknown,
  choices: readonly C[],
  otherwise: C,
): C {
  if (value === undefined) return otherwise;
  const known = choices.find((choice) => choice === value);
  if (known !== undefined) return known;
  noteMalformed(findings, path, value, `${choices.join(' or ')} is needed, ${otherwise} is assumed`);
  return otherwise;
}

/** Text that cannot move the cursor, end the line or turn the reading direction of a terminal. */
export function escapeText(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (found) => `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`);
}

/** A value as an operator should see it: short, on one line, no control characters. */
export function describeValue(value: unknown): string {
  if (value === undefined || value === null) return 'absent';
  if (typeof value === 'string') {
    const shown = escapeText(JSON.stringify(value.slice(0, maxShownText)));
    return value.length > maxShownText ? `${shown} and ${value.length - maxShownText} more characters` : shown;
  }
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'an object';
  return String(value);
}

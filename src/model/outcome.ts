import type { ServiceKey } from './records.ts';

/**
 * An expected failure, as a value. `code` is stable and part of the interface (`WP_` and the room's
 * name first); `message` is one sentence for an operator that names the field, tool or object.
 */
export interface Problem {
  readonly code: `WP_${string}`;
  readonly message: string;
  readonly cause?: unknown;
  /** The Service that it is about, where one is at fault: an Event there tells its owner. */
  readonly service?: ServiceKey;
}

export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

export function succeed<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

export function fail(code: Problem['code'], message: string, cause?: unknown): { ok: false; problem: Problem } {
  return { ok: false, problem: cause === undefined ? { code, message } : { code, message, cause } };
}

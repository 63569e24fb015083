import type { Expectation, SeenSource } from './flow.ts';

/** Answered by each of these and no other. */
export function answered(backends: readonly string[], source: SeenSource | Readonly<Record<string, SeenSource>>): Expectation {
  return { verdict: 'answered', backends, source };
}

export const refused: Expectation = { verdict: 'refused' };
export const timeout: Expectation = { verdict: 'timeout' };
export const untouched: Expectation = { verdict: 'untouched' };

import type { DrainPolicy } from './plan-types.ts';

/** A destination on its way out: weight 0 in the kernel, connections go on. */
export interface Drain {
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly deadline: number;
  readonly untilIdle: boolean;
}

export function startDrain({ milliseconds, untilIdle }: DrainPolicy, now: number): Drain {
  return { since: now, deadline: now + milliseconds, untilIdle };
}

/**
 * Whether it may be deleted. Inactive connections do not count: a busy Service has those of TIME_WAIT for ever, and
 * nothing is lost with them (specification 12).
 */
export function isDrained(drain: Drain, active: number, now: number): boolean {
  return now >= drain.deadline || (drain.untilIdle && active === 0);
}

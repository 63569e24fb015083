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
 * Milliseconds without an active connection after which a destination counts as idle. A connection is inactive from the
 * first FIN on, when its last bytes may still be under way to the client: without this it would be cut there. Enough for
 * some losses (RFC 6298: sent again after 1 and 3 s at most), within the five seconds of the specification.
 */
const quietMs = 3500;

/** What was counted at a destination. */
interface Counted {
  readonly active: number;
  readonly inactive: number;
  /** Milliseconds for which every look has found no active connection. */
  readonly quietFor: number;
}

/**
 * Whether it may be deleted. Inactive connections do not count in the end: a busy Service has those of TIME_WAIT for
 * ever, and nothing is lost with them (specification 12).
 */
export function isDrained({ deadline, untilIdle }: Drain, { active, inactive, quietFor }: Counted, now: number): boolean {
  if (now >= deadline) return true;
  return untilIdle && active === 0 && (inactive === 0 || quietFor >= quietMs);
}

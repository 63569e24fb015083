import type { Verdict } from './health-types.ts';

/** What is known of a back end. Moments are milliseconds of the clock that the caller uses. */
export interface HealthState {
  readonly verdict: Verdict;
  /** Since when. */
  readonly since: number;
  /** Answers in a row that speak against the verdict. */
  readonly against: number;
  /** Moments of the last falls, as many as are free at most. */
  readonly falls: readonly number[];
  /** Holds in a row so far. */
  readonly holds: number;
  /** Until when the back end stays out whatever it answers; null: for no such reason. */
  readonly heldUntil: number | null;
}

export interface JudgeRules {
  /** So many good answers in a row bring a back end back, so many bad ones take it out. */
  readonly rise: number;
  readonly fall: number;
}

/**
 * Damping, in the manner of BGP's for flapping routes (RFC 2439), with times that an operator can foretell. Three falls
 * within a minute are free. The fourth keeps the back end out for 10 s at least. From then on each fall does, for twice as
 * long as the one before, up to 160 s. Five minutes without a fall after the end of a hold, and all is forgotten.
 */
export const damping = {
  freeFalls: 3,
  windowMs: 60_000,
  firstHoldMs: 10_000,
  longestHoldMs: 160_000,
  calmMs: 300_000,
} as const;

export function beginState(now: number): HealthState {
  return { verdict: 'unknown', since: now, against: 0, falls: [], holds: 0, heldUntil: null };
}

/** The state after one more answer. */
export function judgeAnswer(state: HealthState, good: boolean, now: number, { rise, fall }: JudgeRules): HealthState {
  const { verdict } = state;
  if (verdict === 'dead') {
    const against = good ? Math.min(state.against + 1, rise) : 0;
    const held = state.heldUntil !== null && now < state.heldUntil;
    if (against < rise || held) return { ...state, against };
    return { ...state, verdict: 'live', since: now, against: 0 };
  }
  if (good && verdict === 'live') return state.against === 0 ? state : { ...state, against: 0 };
  if (good) return { ...state, verdict: 'live', since: now, against: 0 };
  if (state.against + 1 < fall) return { ...state, against: state.against + 1 };
  return takeOut(state, now);
}

function takeOut(state: HealthState, now: number): HealthState {
  const { freeFalls, windowMs, firstHoldMs, longestHoldMs, calmMs } = damping;
  const fallen = { ...state, verdict: 'dead', since: now, against: 0 } as const;
  const recent = [...state.falls.filter((moment) => now - moment < windowMs), now];
  const forgotten = state.heldUntil === null || now - state.heldUntil >= calmMs;
  const holds = forgotten ? 0 : state.holds;
  if (holds === 0 && recent.length <= freeFalls) return { ...fallen, falls: recent, holds, heldUntil: null };
  const hold = Math.min(firstHoldMs * 2 ** holds, longestHoldMs);
  return { ...fallen, falls: [], holds: holds + 1, heldUntil: now + hold };
}

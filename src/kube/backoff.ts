export interface BackoffSettings {
  readonly baseMs: number;
  readonly maxMs: number;
}

/**
 * Milliseconds to wait before try number `attempt` (0 is the first repetition): doubling, spread over
 * half to one and a half times the value so that a cluster's nodes do not come back in step.
 */
export function backoffDelay(attempt: number, settings: BackoffSettings, random: () => number): number {
  const nominal = Math.min(settings.maxMs, settings.baseMs * 2 ** Math.min(attempt, 30));
  return Math.round(nominal * (0.5 + random()));
}

import type { HealthCheckSpec, ServiceKey } from '../model/mod.ts';
import type { Due } from './health-heap.ts';
import { phaseOf, planTiming } from './health-schedule.ts';
import type { CheckTiming } from './health-schedule.ts';
import { beginState } from './health-state.ts';
import type { HealthState, JudgeRules } from './health-state.ts';
import type { ProbeTarget } from './health-types.ts';

/** One thing that is asked again and again, and what came of it. Shared by Services that ask the same in the same way. */
export interface Check extends Due {
  readonly key: string;
  readonly target: ProbeTarget;
  readonly timing: CheckTiming;
  readonly rules: JudgeRules;
  readonly phase: number;
  /** How many back ends of each Service it speaks for. */
  readonly users: Map<ServiceKey, number>;
  state: HealthState;
  /** When the last good answer came, or the back end itself. */
  answeredAt: number;
  text: string;
  checks: number;
  failures: number;
  stage: 'waiting' | 'queued' | 'running' | 'over';
  startedAt: number;
  /** Gives up the check that is under way. */
  giveUp: (() => void) | null;
}

/** `before` is what an earlier check of the same target found. */
export function makeCheck(
  key: string,
  target: ProbeTarget,
  spec: HealthCheckSpec,
  before: HealthState | null,
  now: number,
): Check {
  const timing = planTiming(spec);
  return {
    key,
    target,
    timing,
    rules: { rise: spec.rise, fall: spec.fall },
    phase: phaseOf(`${target.address} ${target.port} ${target.protocol}`, timing),
    users: new Map(),
    state: before === null ? beginState(now) : { ...before, against: 0 },
    answeredAt: now,
    text: '',
    checks: 0,
    failures: 0,
    stage: 'waiting',
    startedAt: now,
    giveUp: null,
    due: now,
    place: -1,
  };
}

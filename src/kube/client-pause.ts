import { performance } from 'node:perf_hooks';
import type { Pause } from '../model/mod.ts';

/** What a turn is measured with; a parameter so that tests can count turns instead of timing them. */
export interface TurnMeter {
  now(): number;
  /** Runs the callback on a later turn of the event loop. */
  later(callback: () => void): void;
}

const eventLoop: TurnMeter = { now: () => performance.now(), later: (callback) => void setImmediate(callback) };

/**
 * A {@link Pause} that lets one turn of the event loop run for `budgetMs` in all, however many workers
 * share it: three lists that arrive together must not add up to three budgets.
 */
export function createPause(budgetMs: number, meter: TurnMeter = eventLoop): Pause {
  let turnBegan: number | null = null;
  let waiting: PromiseWithResolvers<void> | null = null;

  function endTurn(): void {
    const resumed = waiting;
    turnBegan = null;
    waiting = null;
    resumed?.resolve();
  }

  return () => {
    if (turnBegan === null) {
      turnBegan = meter.now();
      meter.later(endTurn);
    }
    if (meter.now() - turnBegan < budgetMs) return null;
    waiting ??= Promise.withResolvers<void>();
    return waiting.promise;
  };
}

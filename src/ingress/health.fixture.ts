import { parseAddress } from '../model/mod.ts';
import type { Address, BackendAddress, Clock, HealthCheckSpec } from '../model/mod.ts';
import { HealthChecker } from './health-checker.ts';
import { DueHeap } from './health-heap.ts';
import type { Due } from './health-heap.ts';
import type { ProbeAnswer, ProbeTarget } from './health-types.ts';

interface Timer extends Due {
  readonly callback: () => void;
}

/** A clock that stands still until it is turned. Timers come `lateness` milliseconds later than asked. */
class TurnedClock implements Clock {
  /** Callbacks so far, each of which stands for a turn of the event loop. */
  turns = 0;
  #now = 1_000_007;
  readonly #timers = new DueHeap<Timer>();
  readonly #lateness: number;

  constructor(lateness = 0) {
    this.#lateness = lateness;
  }

  now(): number {
    return this.#now;
  }

  after(delay: number, callback: () => void): () => void {
    const timer = { due: 0, place: -1, callback };
    this.#timers.put(timer, this.#now + delay + this.#lateness);
    return () => this.#timers.remove(timer);
  }

  turn(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (let next = this.#timers.first; next !== undefined && next.due <= end; next = this.#timers.first) {
      this.#timers.remove(next);
      this.#now = Math.max(this.#now, next.due);
      this.turns += 1;
      next.callback();
    }
    this.#now = end;
  }
}

/** How a back end answers: after so many milliseconds, at once with null, or `silent`: never. */
export type Manner = { readonly answer: ProbeAnswer; readonly afterMs: number | null } | 'silent';

const good: ProbeAnswer = { kind: 'good', text: 'connected' };
const bad: ProbeAnswer = { kind: 'bad', text: 'refused' };
export const manners = {
  good: { answer: good, afterMs: 0 },
  refuses: { answer: bad, afterMs: 0 },
  refusesAtOnce: { answer: bad, afterMs: null },
  unasked: { answer: { kind: 'unasked', text: 'no file left' }, afterMs: null },
  silent: 'silent',
} as const satisfies Record<string, Manner>;

/** A check that a back end saw. */
export interface Asked {
  readonly at: number;
  readonly turn: number;
  readonly target: ProbeTarget;
}

export const address = (text: string): Address => parseAddress(text) ?? ('' as Address);
export const tcp = (text: string, port = 80): BackendAddress => ({ address: address(text), protocol: 'TCP', port });
export const tcpSpec = (spec: Partial<HealthCheckSpec> = {}): HealthCheckSpec => ({
  probe: { kind: 'tcp' },
  port: null,
  intervalMs: 1000,
  timeoutMs: 500,
  rise: 2,
  fall: 3,
  ...spec,
});

/** A checker with back ends that answer as told, well at first. */
export function makeBench({ lateness = 0, sockets = 1000, programs = 1000 } = {}) {
  const clock = new TurnedClock(lateness);
  const asked: Asked[] = [];
  const changes: { readonly at: number; readonly services: readonly string[] }[] = [];
  const faults: string[] = [];
  const answering = new Map<string, Manner>();
  const running = new Set<string>();
  let most = 0;
  let onChange = (): void => undefined;
  const checker = new HealthChecker({
    clock,
    wallTime: () => clock.now() + 5_000_000,
    concurrency: { sockets, programs },
    changed: (services) => {
      changes.push({ at: clock.now(), services: [...services] });
      onChange();
    },
    ask(target, answered) {
      const name = JSON.stringify(target);
      asked.push({ at: clock.now(), turn: clock.turns, target });
      const manner = answering.get(target.address) ?? manners.good;
      if (manner !== 'silent' && manner.afterMs === null) {
        answered(manner.answer);
        return () => faults.push(`${name} was given up after its answer`);
      }
      if (running.has(name)) faults.push(`two checks of ${name} at once`);
      running.add(name);
      most = Math.max(most, running.size);
      const cancel =
        manner === 'silent'
          ? () => undefined
          : clock.after(manner.afterMs ?? 0, () => {
              running.delete(name);
              answered(manner.answer);
            });
      return () => {
        cancel();
        running.delete(name);
      };
    },
  });
  return {
    clock,
    checker,
    asked,
    changes,
    faults,
    running,
    /** The most that were under way at once. */
    most: () => most,
    answer: (text: string, manner: Manner) => answering.set(text, manner),
    told(action: () => void) {
      onChange = action;
    },
    rows: () => [...checker.state()],
  };
}

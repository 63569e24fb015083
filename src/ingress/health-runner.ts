import type { Clock } from '../model/mod.ts';
import type { Check } from './health-check.ts';
import { DueHeap } from './health-heap.ts';
import { grainMs } from './health-schedule.ts';
import type { AskBackend, ProbeAnswer } from './health-types.ts';

export interface RunnerOptions {
  readonly clock: Clock;
  readonly ask: AskBackend;
  /** Checks under way at once: those by a socket, and those by a program. */
  readonly concurrency: { readonly sockets: number; readonly programs: number };
  /** A check came to an end. When it is due again. */
  readonly ended: (check: Check, answer: ProbeAnswer, now: number) => number;
}

interface Lane {
  readonly limit: number;
  running: number;
  /** Due, and waiting for a place. */
  readonly queue: Set<Check>;
}

/** Checks that are begun or given up in one turn of the event loop; the rest waits for the next. */
const turnLimit = 64;

/** Makes each check at its moment, with one timer for all of them. */
export class CheckRunner {
  readonly #options: RunnerOptions;
  readonly #heap = new DueHeap<Check>();
  readonly #sockets: Lane;
  readonly #programs: Lane;
  #timer: { readonly at: number; readonly cancel: () => void } | null = null;
  #turning = false;
  #late = 0;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#sockets = { limit: options.concurrency.sockets, running: 0, queue: new Set() };
    this.#programs = { limit: options.concurrency.programs, running: 0, queue: new Set() };
  }

  /** Checks that began later than they should. */
  get late(): number {
    return this.#late;
  }

  get running(): number {
    return this.#sockets.running + this.#programs.running;
  }

  add(check: Check): void {
    this.#heap.put(check, check.due);
    this.#arm();
  }

  /** Nothing is called of it any more. */
  remove(check: Check): void {
    const lane = this.#laneOf(check);
    this.#heap.remove(check);
    lane.queue.delete(check);
    const { stage, giveUp } = check;
    check.stage = 'over';
    check.giveUp = null;
    if (stage !== 'running') return;
    lane.running -= 1;
    giveUp?.();
    this.#arm();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    // Nothing is armed from here on.
    this.#turning = true;
  }

  #laneOf(check: Check): Lane {
    return check.target.probe.kind === 'exec' ? this.#programs : this.#sockets;
  }

  #turn(): void {
    this.#timer = null;
    this.#turning = true;
    const now = this.#options.clock.now();
    let left = turnLimit;
    for (const lane of [this.#sockets, this.#programs]) {
      for (const check of lane.queue) {
        if (left === 0 || lane.running >= lane.limit) break;
        lane.queue.delete(check);
        left -= 1;
        this.#begin(check, lane, now);
      }
    }
    for (let check = this.#heap.first; check !== undefined && check.due <= now && left > 0; check = this.#heap.first) {
      left -= 1;
      if (check.stage === 'running') this.#timeOut(check);
      else this.#admit(check, now);
    }
    this.#turning = false;
    this.#arm();
  }

  #admit(check: Check, now: number): void {
    const lane = this.#laneOf(check);
    if (lane.running < lane.limit && lane.queue.size === 0) {
      this.#begin(check, lane, now);
      return;
    }
    this.#heap.remove(check);
    check.stage = 'queued';
    lane.queue.add(check);
  }

  #begin(check: Check, lane: Lane, now: number): void {
    if (now - check.due > grainMs) this.#late += 1;
    lane.running += 1;
    check.stage = 'running';
    check.startedAt = now;
    this.#heap.put(check, now + check.timing.timeoutMs);
    const run = check.checks;
    const isThis = (): boolean => check.stage === 'running' && check.checks === run;
    const giveUp = this.#options.ask(check.target, (answer) => {
      if (isThis()) this.#finish(check, answer);
    });
    if (isThis()) check.giveUp = giveUp;
  }

  #timeOut(check: Check): void {
    check.giveUp?.();
    this.#finish(check, { kind: 'bad', text: `no answer within ${Math.round(check.timing.timeoutMs)} ms` });
  }

  #finish(check: Check, answer: ProbeAnswer): void {
    const { clock, ended } = this.#options;
    this.#laneOf(check).running -= 1;
    check.giveUp = null;
    check.stage = 'waiting';
    check.checks += 1;
    const due = ended(check, answer, clock.now());
    // Whoever is told of it may have removed it.
    if ((check.stage as Check['stage']) !== 'over') this.#heap.put(check, due);
    this.#arm();
  }

  /** Sees to it that the next turn comes when something is due. */
  #arm(): void {
    if (this.#turning) return;
    const { clock } = this.#options;
    const at = canBegin(this.#sockets) || canBegin(this.#programs) ? 0 : (this.#heap.first?.due ?? null);
    if (at === null || (this.#timer !== null && this.#timer.at <= at)) return;
    this.#timer?.cancel();
    const cancel = clock.after(Math.max(0, Math.ceil(at - clock.now())), () => this.#turn());
    this.#timer = { at, cancel };
  }
}

function canBegin({ queue, running, limit }: Lane): boolean {
  return queue.size > 0 && running < limit;
}

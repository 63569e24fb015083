import { interceptLease } from '../model/mod.ts';
import type { Clock, InterceptRules, InterceptWish, Problem } from '../model/mod.ts';

/** `on`: the kernel has what was asked for last, and keeps it as long as beats come. */
export type InterceptState =
  | { readonly kind: 'off' }
  | { readonly kind: 'on' }
  | { readonly kind: 'failed'; readonly problem: Problem };

export interface InterceptKeeper {
  /** Asks for an interception, once its sockets listen; null withdraws it. Comes back when it was tried. */
  want(wish: InterceptWish | null): Promise<InterceptState>;
  readonly state: InterceptState;
  /** No more questions are taken, and those that were still get their answers: for the time before the sockets close. */
  release(): Promise<InterceptState>;
  /** Withdraws everything and ends the beats. */
  close(): Promise<void>;
}

export interface InterceptKeeperOptions {
  readonly rules: InterceptRules;
  readonly clock: Clock;
  /** Told of every change of the state. */
  readonly onChange?: (state: InterceptState) => void;
}

/** Rules that somebody removed are missed so often (specification 16.2). */
const checkMs = 60_000;
/** What was refused is tried again so often; an agent that takes over from another waits for its end that way. */
const retryMs = 1000;

/** Keeps an interception alive from the event loop that it is about: a loop that hangs does not beat. */
export function createInterceptKeeper(options: InterceptKeeperOptions): InterceptKeeper {
  return new Keeper(options);
}

class Keeper implements InterceptKeeper {
  readonly #rules: InterceptRules;
  readonly #clock: Clock;
  readonly #onChange: (state: InterceptState) => void;
  #wish: InterceptWish | null = null;
  #state: InterceptState = { kind: 'off' };
  /** When to look or to try again. */
  #due = 0;
  #last: Promise<unknown> = Promise.resolve();
  #busy = 0;
  #stopBeat: (() => void) | null = null;
  #closed = false;

  constructor({ rules, clock, onChange }: InterceptKeeperOptions) {
    this.#rules = rules;
    this.#clock = clock;
    this.#onChange = onChange ?? (() => {});
    this.#tick();
  }

  get state(): InterceptState {
    return this.#state;
  }

  want(wish: InterceptWish | null): Promise<InterceptState> {
    this.#wish = wish;
    return this.#queue(() => this.#write());
  }

  release(): Promise<InterceptState> {
    this.#wish = null;
    return this.#queue(async () => {
      const done = await this.#rules.release();
      this.#become(done.ok ? { kind: 'off' } : { kind: 'failed', problem: done.problem }, retryMs);
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.want(null);
    this.#closed = true;
    this.#stopBeat?.();
    await this.#rules.close();
  }

  #tick(): void {
    this.#stopBeat = this.#clock.after(interceptLease.beatMs, () => this.#tick());
    if (this.#state.kind === 'on') this.#rules.beat();
    if (this.#busy > 0 || this.#wish === null || this.#clock.now() < this.#due) return;
    void this.#queue(() => (this.#state.kind === 'on' ? this.#check() : this.#write()));
  }

  /** One thing at a time, in the order it was asked for. */
  #queue(step: () => Promise<void>): Promise<InterceptState> {
    this.#busy += 1;
    const done = this.#last.then(async () => {
      await step();
      this.#busy -= 1;
      return this.#state;
    });
    this.#last = done;
    return done;
  }

  async #write(): Promise<void> {
    const wish = this.#wish;
    const done = await (wish === null ? this.#rules.clear() : this.#rules.set(wish));
    if (!done.ok) this.#become({ kind: 'failed', problem: done.problem }, retryMs);
    else this.#become({ kind: wish === null ? 'off' : 'on' }, checkMs);
  }

  /** A look that fails says nothing about the rules. */
  async #check(): Promise<void> {
    const found = await this.#rules.check();
    if (found.ok && !found.value) await this.#write();
    else this.#due = this.#clock.now() + checkMs;
  }

  #become(state: InterceptState, waitMs: number): void {
    this.#due = this.#clock.now() + waitMs;
    const same = state.kind === this.#state.kind && messageOf(state) === messageOf(this.#state);
    this.#state = state;
    if (!same) this.#onChange(state);
  }
}

function messageOf(state: InterceptState): string {
  return state.kind === 'failed' ? state.problem.message : '';
}

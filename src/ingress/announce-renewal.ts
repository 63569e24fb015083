import type { Clock, Outcome } from '../model/mod.ts';

export interface RenewalOptions {
  readonly clock: Clock;
  /** From the begin of one renewal to that of the next; a quarter of it after one that failed, and more when it goes on failing. */
  readonly intervalMs: number;
  /** Writes the Lease; `sentAt` is this clock's time. */
  readonly write: (sentAt: number) => Promise<Outcome<void>>;
  /** Told of each outcome. */
  readonly done: (outcome: Outcome<void>, sentAt: number) => void;
}

/** Keeps one's own Lease fresh: one write at a time, each a fixed time after the one before or when somebody asks. */
export interface Renewal {
  start(): void;
  /** Begins another write as soon as can be: there is something new to say. */
  again(): void;
  /** The same, unless one was begun at this time or later. */
  prove(after: number): void;
  /** Ends when a write that was begun has ended. */
  stop(): Promise<void>;
}

export function createRenewal({ clock, intervalMs, write, done }: RenewalOptions): Renewal {
  let running: Promise<void> | null = null;
  let started = false;
  let sentAt = Number.NEGATIVE_INFINITY;
  let pending = false;
  let failures = 0;
  let cancel = (): void => {};
  const schedule = (delay: number): void => {
    cancel();
    cancel = clock.after(Math.max(0, delay), run);
  };
  const run = (): void => {
    if (!started || running !== null) return;
    cancel();
    pending = false;
    sentAt = clock.now();
    running = renew(sentAt);
  };
  const renew = async (begun: number): Promise<void> => {
    const outcome = await write(begun);
    running = null;
    done(outcome, begun);
    if (!started) return;
    const interval = outcome.ok ? intervalMs : Math.min(intervalMs, (intervalMs / 4) * 2 ** failures);
    failures = outcome.ok ? 0 : failures + 1;
    schedule(pending && outcome.ok ? 0 : begun + interval - clock.now());
  };
  const again = (): void => {
    pending = true;
    run();
  };
  return {
    start() {
      started = true;
      run();
    },
    again,
    prove(after) {
      if (sentAt < after) again();
    },
    async stop() {
      started = false;
      cancel();
      await running;
    },
  };
}

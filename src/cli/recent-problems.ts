import type { Problem } from '../model/mod.ts';

/** Milliseconds for which a problem counts as recent. */
const recent = 10 * 60_000;
const mostKept = 20;

/** A problem that was said, and how often and when at last. Times are milliseconds since 1970. */
export interface RecentProblem {
  readonly code: Problem['code'];
  readonly message: string;
  readonly at: number;
  readonly times: number;
}

/** Remembers what was said of late, the same thing once, for whoever asks how the agent is. */
export class RecentProblems {
  readonly #now: () => number;
  readonly #kept = new Map<string, RecentProblem>();

  constructor(now: () => number) {
    this.#now = now;
  }

  note({ code, message }: Problem): void {
    const key = `${code} ${message}`;
    const times = (this.#kept.get(key)?.times ?? 0) + 1;
    this.#kept.delete(key);
    this.#kept.set(key, { code, message, at: this.#now(), times });
    if (this.#kept.size > mostKept) this.#kept.delete(this.#kept.keys().next().value ?? '');
  }

  /** Of the last ten minutes, the latest first, 20 at most. */
  list(): readonly RecentProblem[] {
    const since = this.#now() - recent;
    return [...this.#kept.values()].filter(({ at }) => at >= since).toReversed();
  }
}

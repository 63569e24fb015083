import { attemptOnce } from './attempt.ts';
import type { Attempt, LoadReport, Target } from './protocol.ts';

/** Connections one after the other from several workers until stopped; every outcome is counted. */
export class Load {
  readonly #counts = { attempts: 0, answered: 0, refused: 0, lost: 0, slowestMs: 0 };
  readonly #byBackend = new Map<string, number>();
  readonly #bySource = new Map<string, number>();
  readonly #firstAnswers = new Map<string, number>();
  readonly #failures: { at: number; verdict: string; code: string | null }[] = [];
  readonly #workers: Promise<void>[];
  #stopped = false;

  constructor(target: Target, workers: number, pauseMs: number) {
    this.#workers = Array.from({ length: workers }, () => this.#work(target, pauseMs));
  }

  report(): LoadReport {
    return {
      ...this.#counts,
      byBackend: Object.fromEntries(this.#byBackend),
      bySource: Object.fromEntries(this.#bySource),
      firstAnswers: Object.fromEntries(this.#firstAnswers),
      failures: [...this.#failures],
    };
  }

  /** Lets attempts under way come to their end, then reports. */
  async stop(): Promise<LoadReport> {
    this.#stopped = true;
    await Promise.all(this.#workers);
    return this.report();
  }

  async #work(target: Target, pauseMs: number): Promise<void> {
    while (!this.#stopped) {
      // oxlint-disable-next-line no-await-in-loop -- a worker is one client: one connection at a time
      this.#count(await attemptOnce(target));
      // oxlint-disable-next-line no-await-in-loop
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  #count(attempt: Attempt): void {
    this.#counts.attempts += 1;
    if (attempt.answer !== null) {
      this.#counts.answered += 1;
      this.#counts.slowestMs = Math.max(this.#counts.slowestMs, attempt.elapsedMs);
      const { backend } = attempt.answer;
      if (!this.#firstAnswers.has(backend)) this.#firstAnswers.set(backend, Date.now());
      increment(this.#byBackend, backend);
      increment(this.#bySource, attempt.answer.source);
      return;
    }
    this.#counts[attempt.verdict === 'refused' ? 'refused' : 'lost'] += 1;
    if (this.#failures.length < 50) this.#failures.push({ at: Date.now(), verdict: attempt.verdict, code: attempt.code });
  }
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

import type { Clock, DataPlane } from '../model/mod.ts';

/**
 * Lets a data plane for which reading the kernel takes long read it beside the changes, so that only what an audit makes of it
 * holds them up. With a data plane that reads quickly an audit is always ready.
 */
export class EarlyLook {
  readonly #plane: Pick<DataPlane, 'look'>;
  readonly #clock: Clock;
  readonly #done: () => void;
  #underWay: Promise<void> | null = null;
  /** Milliseconds; null before a look has ended. */
  #took: number | null = null;
  #outdated = false;

  /** `done` hears that an audit may begin now. */
  constructor(plane: Pick<DataPlane, 'look'>, clock: Clock, done: () => void) {
    this.#plane = plane;
    this.#clock = clock;
    this.#done = done;
  }

  get underWay(): boolean {
    return this.#underWay !== null;
  }

  /** Whether an audit may begin; if not, a look is under way from now on. */
  ready(): boolean {
    if (this.#plane.look === undefined || this.#took !== null) return true;
    this.#underWay ??= this.#look();
    return false;
  }

  /** Milliseconds that the look for this audit took; the next one has its own. */
  take(): number {
    const took = this.#took ?? 0;
    this.#took = null;
    return took;
  }

  /** All of the kernel is known to be right: what was seen before, or is being seen, no longer counts. */
  forget(): void {
    this.#took = null;
    this.#outdated = this.underWay;
  }

  /** Resolves when none is under way. */
  async ended(): Promise<void> {
    await this.#underWay;
  }

  async #look(): Promise<void> {
    const started = this.#clock.now();
    // What went wrong the audit will meet itself, and report.
    await this.#plane.look?.().catch(() => undefined);
    this.#took = this.#outdated ? null : this.#clock.now() - started;
    this.#outdated = false;
    this.#underWay = null;
    this.#done();
  }
}

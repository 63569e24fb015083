/** An audit may use at most about a hundredth of the time. */
const auditShare = 100;
/** The same for audits that somebody causes who changes the kernel again and again: half of the time at first, then less. */
const mostPatience = 16;

/** Somebody may have changed what the kernel holds. */
export interface Suspicion {
  /** Who, where that is known. */
  readonly by: string | null;
}

/** When the next audit of a family is due, in milliseconds of the clock that it is told of. */
export class AuditSchedule {
  #syncPeriod: number;
  readonly #suspects = new Set<string>();
  #due = 0;
  /** Before this no suspicion makes an audit due. */
  #earliest = 0;
  #suspected = false;
  #patience = 1;
  #planned = 0;

  constructor(syncPeriod: number) {
    this.#syncPeriod = syncPeriod;
  }

  get due(): number {
    return this.#due;
  }

  /** All that the kernel holds is known to be right; an audit that found that out took so long. */
  plan(now: number, took: number): void {
    const again = this.#suspected && now - this.#planned < this.#syncPeriod;
    this.#patience = again ? Math.min(this.#patience * 2, mostPatience) : 1;
    this.#suspected = false;
    this.#planned = now;
    this.#due = now + Math.max(this.#syncPeriod, took * auditShare);
    this.#earliest = now + took * this.#patience;
  }

  /** From now on; an audit that would be due later comes earlier. */
  setPeriod(syncPeriod: number, now: number): void {
    this.#syncPeriod = syncPeriod;
    this.#due = Math.min(this.#due, now + syncPeriod);
  }

  suspect(by: Suspicion['by']): void {
    if (by !== null) this.#suspects.add(by);
    this.#suspected = true;
    this.#due = Math.min(this.#due, this.#earliest);
  }

  /** Who was seen since this was asked last. */
  takeSuspects(): readonly string[] {
    const suspects = [...this.#suspects];
    this.#suspects.clear();
    return suspects;
  }
}

import type { Clock } from '../model/mod.ts';

/** Lines wait so long for others to go with them. */
const gatherMs = 100;
/** Lines of one such time; what is beyond is counted and left out. */
const mostLines = 2000;

/** Gathers lines of the query log, so that a busy resolver does not send a message for each question. */
export class LogLines {
  readonly #clock: Clock;
  readonly #send: (lines: readonly string[]) => void;
  #lines: string[] = [];
  #left = 0;

  constructor(clock: Clock, send: (lines: readonly string[]) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  add(line: string): void {
    if (this.#lines.length >= mostLines) {
      this.#left += 1;
      return;
    }
    if (this.#lines.length === 0) this.#clock.after(gatherMs, () => this.#flush());
    this.#lines.push(line);
  }

  #flush(): void {
    const lines = this.#left > 0 ? [...this.#lines, `${this.#left} more questions are not logged`] : this.#lines;
    this.#lines = [];
    this.#left = 0;
    this.#send(lines);
  }
}

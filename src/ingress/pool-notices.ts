import type { PublishNotice } from '../model/mod.ts';

/** Tells each notice once, and anew when it comes back. */
export class NoticeBoard {
  readonly #notice: (notice: PublishNotice) => void;
  #told = new Set<string>();

  constructor(notice: (notice: PublishNotice) => void) {
    this.#notice = notice;
  }

  /** All that is so now. */
  show(notices: readonly PublishNotice[]): void {
    const now = new Set<string>();
    for (const notice of notices) {
      const text = `${notice.service} ${notice.reason} ${notice.message}`;
      now.add(text);
      if (!this.#told.has(text)) this.#notice(notice);
    }
    this.#told = now;
  }
}

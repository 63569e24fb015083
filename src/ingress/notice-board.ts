import type { Family, PublishNotice, PublishReason, ServiceKey } from '../model/mod.ts';

/** Something to tell about a Service. */
export type Remark = Pick<PublishNotice, 'reason' | 'message'>;

/** Takes remarks while a Service is looked at. */
export type Tell = (reason: PublishReason, message: string) => void;

/**
 * What the owners of Services were told. A remark is passed on once, for both families together, and again only after it
 * did not hold for a while.
 */
export class NoticeBoard {
  readonly #pass: (notice: PublishNotice) => void;
  readonly #shown = new Map<ServiceKey, Map<Family, ReadonlySet<string>>>();

  constructor(pass: (notice: PublishNotice) => void) {
    this.#pass = pass;
  }

  /** All that holds now for a Service in one family. */
  show(service: ServiceKey, family: Family, remarks: readonly Remark[]): void {
    const shown = this.#shown.get(service) ?? new Map<Family, ReadonlySet<string>>();
    const known = new Set([...shown.values()].flatMap((texts) => [...texts]));
    const next = new Set<string>();
    for (const { reason, message } of remarks) {
      const text = `${reason} ${message}`;
      if (!known.has(text) && !next.has(text)) this.#pass({ service, reason, message });
      next.add(text);
    }
    if (next.size > 0) shown.set(family, next);
    else shown.delete(family);
    if (shown.size > 0) this.#shown.set(service, shown);
    else this.#shown.delete(service);
  }
}

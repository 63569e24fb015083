import { compareText } from '../model/mod.ts';
import type { ServiceKey } from '../model/mod.ts';
import type { Claimant } from './claims.ts';

interface Asked {
  readonly claimant: Claimant;
  readonly marks: number;
}

/**
 * How the marks that a namespace may have are shared out among its Services: the older ones first, each all or nothing. A
 * Service that does not get its marks takes none from the ones behind it.
 */
export class MarkBudget {
  readonly #limit: number;
  readonly #asked = new Map<string, Map<ServiceKey, Asked>>();
  readonly #refused = new Set<ServiceKey>();

  /** `limit` 0: no limit. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Replaces what a Service asks for; 0 marks: nothing. Gives the other Services whose lot changed. */
  replace(namespace: string, claimant: Claimant, marks: number): ReadonlySet<ServiceKey> {
    const affected = new Set<ServiceKey>();
    if (this.#limit === 0) return affected;
    const asked = this.#asked.get(namespace) ?? new Map<ServiceKey, Asked>();
    const before = asked.get(claimant.service);
    if ((before?.marks ?? 0) === marks && (before?.claimant.precedence ?? claimant.precedence) === claimant.precedence)
      return affected;
    if (marks === 0) asked.delete(claimant.service);
    else asked.set(claimant.service, { claimant, marks });
    if (asked.size === 0) this.#asked.delete(namespace);
    else this.#asked.set(namespace, asked);
    this.#refused.delete(claimant.service);
    this.#share(asked, affected);
    affected.delete(claimant.service);
    return affected;
  }

  grants(service: ServiceKey): boolean {
    return !this.#refused.has(service);
  }

  #share(asked: ReadonlyMap<ServiceKey, Asked>, affected: Set<ServiceKey>): void {
    let left = this.#limit;
    const inOrder = [...asked.values()].toSorted((a, b) => compareText(a.claimant.precedence, b.claimant.precedence));
    for (const { claimant, marks } of inOrder) {
      const granted = marks <= left;
      if (granted) left -= marks;
      if (granted !== this.grants(claimant.service)) affected.add(claimant.service);
      if (granted) this.#refused.delete(claimant.service);
      else this.#refused.add(claimant.service);
    }
  }
}

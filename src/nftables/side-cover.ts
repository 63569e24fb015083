import { addressBits, formatPrefix, hostPrefix, parseAddress, parsePrefix, prefixContains } from '../model/mod.ts';
import type { Prefix } from '../model/mod.ts';
import type { KeyPart } from './transaction.ts';

/** What becomes of prefixes when one comes or goes. */
export interface CoverChange {
  /** Now the widest at their place. */
  readonly shown: readonly Prefix[];
  /** No longer the widest at their place, or gone. */
  readonly hidden: readonly Prefix[];
}

/**
 * Prefixes that may lie inside one another. A kernel set of intervals takes no two that overlap, so only those that no
 * other contains are shown to it. A host prefix comes and goes at a cost that does not depend on their number.
 */
export class Cover {
  readonly #all = new Map<string, Prefix>();
  readonly #shown = new Set<string>();
  /** How many prefixes there are of each length. */
  readonly #lengths = new Map<number, number>();

  get isEmpty(): boolean {
    return this.#all.size === 0;
  }

  isShown(prefix: Prefix): boolean {
    return this.#shown.has(formatPrefix(prefix));
  }

  /** The prefix must not be there. */
  add(prefix: Prefix): CoverChange {
    const key = formatPrefix(prefix);
    this.#all.set(key, prefix);
    this.#lengths.set(prefix.length, (this.#lengths.get(prefix.length) ?? 0) + 1);
    if (this.#isCovered(prefix)) return { shown: [], hidden: [] };
    const hidden = this.#inside(prefix).filter((inner) => this.#shown.delete(formatPrefix(inner)));
    this.#shown.add(key);
    return { shown: [prefix], hidden };
  }

  /** The prefix must be there. */
  remove(prefix: Prefix): CoverChange {
    const key = formatPrefix(prefix);
    this.#all.delete(key);
    this.#lengths.set(prefix.length, (this.#lengths.get(prefix.length) ?? 0) - 1);
    if (!this.#shown.delete(key)) return { shown: [], hidden: [] };
    const shown = this.#inside(prefix).filter((inner) => !this.#isCovered(inner));
    for (const inner of shown) this.#shown.add(formatPrefix(inner));
    return { shown, hidden: [prefix] };
  }

  #isCovered(prefix: Prefix): boolean {
    for (const [length, count] of this.#lengths) {
      if (count === 0 || length >= prefix.length) continue;
      const wider = parsePrefix(`${prefix.address}/${length}`);
      if (wider !== null && this.#all.has(formatPrefix(wider))) return true;
    }
    return false;
  }

  #inside(prefix: Prefix): readonly Prefix[] {
    if (prefix.length === addressBits(prefix.family)) return [];
    return [...this.#all.values()].filter((inner) => inner.length > prefix.length && prefixContains(prefix, inner.address));
  }
}

/** The prefix that a part of a key in a set of intervals stands for; null if it is some other range. */
export function prefixOfPart(part: KeyPart | undefined): Prefix | null {
  if (typeof part === 'string') {
    const address = parseAddress(part);
    return address === null ? null : hostPrefix(address);
  }
  if (typeof part !== 'object') return null;
  if ('length' in part) return part;
  return part.from === part.to ? prefixOfPart(part.from) : null;
}

import { isDeepStrictEqual } from 'node:util';
import { formatPrefix } from '../model/mod.ts';
import type { StickyEntry } from '../model/mod.ts';
import { prefixOfPart } from './side-cover.ts';
import type { Placed } from './side-elements.ts';
import type { SharedChain } from './side-shared-chains.ts';
import type { Element, KeyPart } from './transaction.ts';

/** What one key of one set says before and after a change; undefined: it is not there. */
export interface Slot {
  readonly before: Element | undefined;
  readonly after: Element | undefined;
}

/**
 * What a change comes to, collected element by element: an element that goes and comes back as it was is no change. The
 * first that is said of a key must agree with the kernel: `remove` for one that is there, `put` for one that is not.
 */
export class SideDelta {
  readonly #slots = new Map<string, Map<string, Slot>>();
  /** Sticky groups that changed, as they were before. */
  readonly groups = new Map<number, StickyEntry | null>();
  /** Chains whose use changed, by name, and whether they were there before. */
  readonly shared = new Map<string, { readonly chain: SharedChain; readonly before: boolean }>();

  put(placed: Placed): void {
    this.#set(placed, (slot) => ({ before: slot?.before, after: placed.element }));
  }

  remove(placed: Placed): void {
    this.#set(placed, (slot) => ({ before: slot === undefined ? placed.element : slot.before, after: undefined }));
  }

  /** Says what the kernel has at a key in place of what it should have, before anything else is said of it. */
  correct(set: string, slot: Slot): void {
    const element = slot.before ?? slot.after;
    if (element !== undefined) this.#set({ set, element }, () => slot);
  }

  touchGroup(group: number, before: StickyEntry | null): void {
    if (!this.groups.has(group)) this.groups.set(group, before);
  }

  touchShared(name: string, chain: SharedChain, before: boolean): void {
    if (!this.shared.has(name)) this.shared.set(name, { chain, before });
  }

  /** By set and key, those that differ before and after. */
  *changes(): Iterable<readonly [set: string, slots: readonly Slot[]]> {
    for (const [set, slots] of this.#slots) {
      const changed = [...slots.values()].filter(({ before, after }) => !sameElement(before, after));
      if (changed.length > 0) yield [set, changed];
    }
  }

  /** Every slot, one at a time, so that whoever asks for them may pause in between; those that differ tell so. */
  *slots(): Iterable<readonly [set: string, slot: Slot, differs: boolean]> {
    for (const [set, slots] of this.#slots) {
      for (const slot of slots.values()) yield [set, slot, !sameElement(slot.before, slot.after)];
    }
  }

  #set({ set, element }: Placed, next: (slot: Slot | undefined) => Slot): void {
    let slots = this.#slots.get(set);
    if (slots === undefined) {
      slots = new Map();
      this.#slots.set(set, slots);
    }
    const key = keyText(element.key);
    slots.set(key, next(slots.get(key)));
  }
}

/** One text for equal keys, however prefixes in them are written. */
export function keyText(key: readonly KeyPart[]): string {
  return key.map((part) => (typeof part === 'object' ? rangeText(part) : String(part))).join(' ');
}

/** True if both are absent, or say the same. */
function sameElement(a: Element | undefined, b: Element | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.comment === b.comment && keyText(a.key) === keyText(b.key) && isDeepStrictEqual(a.value, b.value);
}

function rangeText(part: Exclude<KeyPart, string | number>): string {
  const prefix = prefixOfPart(part);
  if (prefix !== null) return hostText(formatPrefix(prefix));
  return 'from' in part ? `${part.from}-${part.to}` : '';
}

/** A prefix of full length is written like the address. */
function hostText(prefix: string): string {
  return prefix.replace(prefix.includes(':') ? /\/128$/ : /\/32$/, '');
}

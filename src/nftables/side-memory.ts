import { sideKey } from '../model/mod.ts';
import type { Address, LoopbackEntry, Prefix, ProtectedEntry, SideEntry, SourceEntry, StickyEntry } from '../model/mod.ts';
import { Cover } from './side-cover.ts';
import type { SideDelta } from './side-delta.ts';
import { destinationOf, elementsOf, placeLive, placeRecord } from './side-elements.ts';
import type { Placed } from './side-elements.ts';

/** The entries, and what of the elements depends on more than one of them. Follows changes and says what they come to. */
export class SideMemory {
  readonly #entries = new Map<string, SideEntry>();
  /** In how many groups a server is. */
  readonly #live = new Map<number, number>();
  /** Protected prefixes under the empty key, sources under their destination. */
  readonly #covers = new Map<string, Cover>();
  /** How many entries have so many loopback targets. */
  readonly #loopbackSizes = new Map<number, number>();
  #nodePortAddresses: readonly Address[] = [];

  get entries(): ReadonlyMap<string, SideEntry> {
    return this.#entries;
  }

  get nodePortAddresses(): readonly Address[] {
    return this.#nodePortAddresses;
  }

  stickyEntry(group: number): StickyEntry | null {
    const entry = this.#entries.get(`sticky/${group}`);
    return entry?.kind === 'sticky' ? entry : null;
  }

  *stickyEntries(): Iterable<StickyEntry> {
    for (const entry of this.#entries.values()) if (entry.kind === 'sticky') yield entry;
  }

  /** The numbers of targets for which there is a loopback chain, in ascending order. */
  loopbackSizes(): readonly number[] {
    return [...this.#loopbackSizes.keys()].toSorted((a, b) => a - b);
  }

  hasLoopbackSize(size: number): boolean {
    return this.#loopbackSizes.has(size);
  }

  set(entry: SideEntry, delta: SideDelta): void {
    const key = sideKey(entry);
    const before = this.#entries.get(key) ?? null;
    this.#entries.set(key, entry);
    this.#replace(before, entry, delta);
  }

  remove(key: string, delta: SideDelta): void {
    const before = this.#entries.get(key);
    if (before === undefined) return;
    this.#entries.delete(key);
    this.#replace(before, null, delta);
  }

  setNodePortAddresses(addresses: readonly Address[], delta: SideDelta): void {
    for (const address of this.#nodePortAddresses) delta.remove(placeNodePortAddress(address));
    this.#nodePortAddresses = addresses;
    for (const address of addresses) delta.put(placeNodePortAddress(address));
  }

  #replace(before: SideEntry | null, after: SideEntry | null, delta: SideDelta): void {
    if (before !== null) for (const placed of elementsOf(before)) delta.remove(placed);
    if (after !== null) for (const placed of elementsOf(after)) delta.put(placed);
    const entry = after ?? before;
    switch (entry?.kind) {
      case 'sticky':
        return this.#replaceSticky(before as StickyEntry | null, after as StickyEntry | null, entry.group, delta);
      case 'loopback':
        return this.#replaceLoopback(before as LoopbackEntry | null, after as LoopbackEntry | null, delta);
      case 'protected':
      case 'source':
        // These entries say nothing but their key, so the same key is the same entry.
        if (before === null || after === null) this.#cover(entry, after !== null, delta);
        return;
      default:
    }
  }

  #replaceSticky(before: StickyEntry | null, after: StickyEntry | null, group: number, delta: SideDelta): void {
    delta.touchGroup(group, before);
    for (const server of new Set(before?.servers)) {
      if (count(this.#live, server, -1) === 0) delta.remove(placeLive(server));
    }
    for (const server of new Set(after?.servers)) {
      if (count(this.#live, server, 1) === 1) delta.put(placeLive(server));
    }
  }

  #replaceLoopback(before: LoopbackEntry | null, after: LoopbackEntry | null, delta: SideDelta): void {
    const [old, next] = [before?.targets.length ?? 0, after?.targets.length ?? 0];
    for (const size of [old, next]) if (size > 0) delta.touchLoopbackSize(size, this.#loopbackSizes.has(size));
    if (old > 0) count(this.#loopbackSizes, old, -1);
    if (next > 0) count(this.#loopbackSizes, next, 1);
  }

  #cover(entry: SourceEntry | ProtectedEntry, comes: boolean, delta: SideDelta): void {
    const name = entry.kind === 'source' ? destinationOf(entry).join(' ') : '';
    const cover = this.#covers.get(name) ?? new Cover();
    const at = (prefix: Prefix): SourceEntry | ProtectedEntry => ({ ...entry, prefix });
    if (!comes && !cover.isShown(entry.prefix)) delta.remove(placeRecord(entry));
    const { shown, hidden } = comes ? cover.add(entry.prefix) : cover.remove(entry.prefix);
    if (comes && !cover.isShown(entry.prefix)) delta.put(placeRecord(entry));
    for (const prefix of hidden) {
      delta.remove(placeRange(at(prefix)));
      if (comes) delta.put(placeRecord(at(prefix)));
    }
    for (const prefix of shown) {
      if (!comes) delta.remove(placeRecord(at(prefix)));
      delta.put(placeRange(at(prefix)));
    }
    if (cover.isEmpty) this.#covers.delete(name);
    else this.#covers.set(name, cover);
  }
}

/** An entry's prefix as an element of a set of intervals. */
function placeRange(entry: SourceEntry | ProtectedEntry): Placed {
  return entry.kind === 'source'
    ? { set: 'sources', element: { key: [...destinationOf(entry), entry.prefix] } }
    : { set: 'protected', element: { key: [entry.prefix] } };
}

function placeNodePortAddress(address: Address): Placed {
  return { set: 'node_port_addresses', element: { key: [address] } };
}

/** Adds to a count, which goes when it is zero. */
function count(counts: Map<number, number>, key: number, step: number): number {
  const next = (counts.get(key) ?? 0) + step;
  if (next === 0) counts.delete(key);
  else counts.set(key, next);
  return next;
}

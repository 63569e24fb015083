import { sideKey } from '../model/mod.ts';
import type { Address, Prefix, ProtectedEntry, RewriteEntry, SideEntry, SourceEntry, StickyEntry } from '../model/mod.ts';
import { Cover } from './side-cover.ts';
import { keyText } from './side-delta.ts';
import type { SideDelta } from './side-delta.ts';
import { destinationOf, elementsOf, isRange, placeAnswers, placeRecord, sharedElementsOf } from './side-elements.ts';
import type { Placed } from './side-elements.ts';
import { sharedChainName, sharedChainsOf } from './side-shared-chains.ts';
import type { SharedChain } from './side-shared-chains.ts';

/** The entries, and what of the elements depends on more than one of them. Follows changes and says what they come to. */
export class SideMemory {
  readonly #entries = new Map<string, SideEntry>();
  /** How many entries want a shared element, by its set and key. */
  readonly #wanted = new Map<string, number>();
  /** Protected prefixes under the empty key, sources under their destination. */
  readonly #covers = new Map<string, Cover>();
  /** By the destination they lead to, then by the port they rewrite. */
  readonly #rewrites = new Map<string, Map<number, RewriteEntry>>();
  /** By name. */
  readonly #chains = new Map<string, { readonly chain: SharedChain; readonly users: number }>();
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

  sharedChains(): readonly SharedChain[] {
    return [...this.#chains.values()].map(({ chain }) => chain);
  }

  hasSharedChain(name: string): boolean {
    return this.#chains.has(name);
  }

  set(wanted: SideEntry, delta: SideDelta): void {
    const entry = withoutEmptyRange(wanted);
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
    for (const [entry, step] of [[before, -1] as const, [after, 1] as const]) {
      if (entry === null) continue;
      this.#share(entry, step, delta);
      if (entry.kind === 'rewrite') this.#answer(entry, step === 1, delta);
    }
    const entry = after ?? before;
    if (entry?.kind === 'sticky') delta.touchGroup(entry.group, before?.kind === 'sticky' ? before : null);
    // These entries say nothing but their key, so the same key is the same entry.
    else if ((entry?.kind === 'protected' || entry?.kind === 'source') && (before === null || after === null))
      this.#cover(entry, after !== null, delta);
  }

  /** Counts who wants shared elements and chains. */
  #share(entry: SideEntry, step: 1 | -1, delta: SideDelta): void {
    for (const placed of sharedElementsOf(entry)) {
      const key = `${placed.set} ${keyText(placed.element.key)}`;
      const before = this.#wanted.get(key) ?? 0;
      const after = before + step;
      if (after === 0) this.#wanted.delete(key);
      else this.#wanted.set(key, after);
      if (before === 0) delta.put(placed);
      if (after === 0) delta.remove(placed);
    }
    for (const chain of sharedChainsOf(entry)) {
      const name = sharedChainName(chain);
      const users = this.#chains.get(name)?.users ?? 0;
      delta.touchShared(name, chain, users > 0);
      if (users + step === 0) this.#chains.delete(name);
      else this.#chains.set(name, { chain, users: users + step });
    }
  }

  #answer(entry: RewriteEntry, comes: boolean, delta: SideDelta): void {
    const key = keyText(destinationOf({ ...entry, port: entry.to }));
    const entries = this.#rewrites.get(key) ?? new Map<number, RewriteEntry>();
    for (const placed of placeAnswers([...entries.values()])) delta.remove(placed);
    if (comes) entries.set(entry.port, entry);
    else entries.delete(entry.port);
    for (const placed of placeAnswers([...entries.values()])) delta.put(placed);
    if (entries.size === 0) this.#rewrites.delete(key);
    else this.#rewrites.set(key, entries);
  }

  #cover(entry: SourceEntry | ProtectedEntry, comes: boolean, delta: SideDelta): void {
    const name = entry.kind === 'source' ? keyText(destinationOf(entry)) : '';
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
    ? { set: isRange(entry) ? 'source_ranges' : 'sources', element: { key: [...destinationOf(entry), entry.prefix] } }
    : { set: 'protected', element: { key: [entry.prefix] } };
}

function placeNodePortAddress(address: Address): Placed {
  return { set: 'node_port_addresses', element: { key: [address] } };
}

/** A range of one port is that port. */
function withoutEmptyRange(entry: SideEntry): SideEntry {
  if (!('lastPort' in entry) || entry.lastPort !== entry.port) return entry;
  const { lastPort: _, ...single } = entry;
  return single;
}

import type { RowState, ServiceRows } from '../../model/mod.ts';
import { describeService } from './service-entry.ts';
import type { ServiceEntry } from './service-entry.ts';
import type { ServiceCounts } from './wire.ts';

/** What of the list is wanted, and in which order. */
export interface Selection {
  /** Words that must all be found, in any place. */
  readonly search: string;
  /** Null: all. */
  readonly state: RowState | null;
  readonly order: 'name' | 'connections' | 'changed';
}

/** All Services and their counts, as events have them. */
export class ServiceList {
  readonly #entries = new Map<string, ServiceEntry>();
  readonly #counts = new Map<string, ServiceCounts>();
  /** The entries by name; null: something came or went. */
  #sorted: readonly ServiceEntry[] | null = null;
  /** What was there before the picture that is under way; null: none is. */
  #unseen: Set<string> | null = null;

  /** A new picture begins. What it does not have is dropped at its end, so that a lost connection empties no screen. */
  begin(): void {
    this.#unseen = new Set(this.#entries.keys());
    this.#counts.clear();
  }

  /** The picture is complete. */
  finish(): void {
    for (const service of this.#unseen ?? []) this.#entries.delete(service);
    this.#unseen = null;
    this.#sorted = null;
  }

  apply(changes: readonly ServiceRows[]): void {
    for (const change of changes) {
      const entry = describeService(change);
      if (entry === null) this.#entries.delete(change.service);
      else this.#entries.set(change.service, entry);
      this.#unseen?.delete(change.service);
    }
    this.#sorted = null;
  }

  applyCounts(changes: Readonly<Record<string, ServiceCounts | null>>): void {
    for (const [service, counts] of Object.entries(changes)) {
      if (counts === null) this.#counts.delete(service);
      else this.#counts.set(service, counts);
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  get(service: string): ServiceEntry | null {
    return this.#entries.get(service) ?? null;
  }

  countsOf(service: string): ServiceCounts | null {
    return this.#counts.get(service) ?? null;
  }

  /** Services by state. */
  tally(): Readonly<Record<RowState, number>> {
    const tally = { Pending: 0, Done: 0, Error: 0 };
    for (const { state } of this.#entries.values()) tally[state] += 1;
    return tally;
  }

  select({ search, state, order }: Selection): readonly ServiceEntry[] {
    this.#sorted ??= [...this.#entries.values()].toSorted((a, b) => (a.service < b.service ? -1 : 1));
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    const found = this.#sorted.filter(
      (entry) => (state === null || entry.state === state) && words.every((word) => entry.haystack.includes(word)),
    );
    if (order === 'changed') return found.toSorted((a, b) => b.since - a.since);
    if (order === 'connections') return found.toSorted((a, b) => this.#activeOf(b) - this.#activeOf(a));
    return found;
  }

  #activeOf({ service }: ServiceEntry): number {
    return this.#counts.get(service)?.active ?? 0;
  }
}

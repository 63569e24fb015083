import type { Family, ServiceKey, SliceRecord, Snapshot } from '../model/mod.ts';

/** Changes that no sync has taken in yet. */
export interface PendingChanges {
  /** Services whose own record changed. */
  readonly services: number;
  /** Slice changes; one slice may have several. */
  readonly slices: number;
}

/** What one commit means to a family. */
interface Noted {
  /** How many Services and slices of the family it changed. */
  readonly changed: PendingChanges;
  /** The Services to look at: all but those of which only slices of the other family changed. */
  readonly concerned: readonly ServiceKey[];
}

interface Trigger {
  readonly slice: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** A sync has taken it in; it counts when that sync succeeds. */
  taken: boolean;
}

const noSlices: readonly SliceRecord[] = [];

/** A Service the kernel keeps refusing must not fill the memory with its slices' annotations. */
const mostTriggers = 1000;

/**
 * Counts one family's changes on their way from the API to the kernel, and measures how long they took from the
 * moment their slice's annotation names (specification 8.2, network programming latency).
 */
export class ChangeTracker {
  readonly #family: Family;
  /** Milliseconds since 1970; what was triggered earlier was another process's to do. */
  readonly #startedAt: number;
  readonly #services = new Set<ServiceKey>();
  readonly #slices = new Map<ServiceKey, number>();
  readonly #triggers = new Map<ServiceKey, readonly Trigger[]>();
  #sliceTotal = 0;

  constructor(family: Family, startedAt: number) {
    this.#family = family;
    this.#startedAt = startedAt;
  }

  get pending(): PendingChanges {
    return { services: this.#services.size, slices: this.#sliceTotal };
  }

  /** Notes what a commit changed. */
  note(before: Snapshot, after: Snapshot, dirty: Iterable<ServiceKey>): Noted {
    const changed = { services: 0, slices: 0 };
    const concerned: ServiceKey[] = [];
    for (const key of dirty) {
      const isOther = before.services.get(key) !== after.services.get(key);
      const [old, next] = [before.slices.get(key), after.slices.get(key)];
      const hasOthers = old !== next;
      const slices = hasOthers ? this.#noteSlices(key, old ?? noSlices, next ?? noSlices) : 0;
      if (isOther) {
        this.#services.add(key);
        changed.services += 1;
      }
      if (slices > 0) this.#slices.set(key, (this.#slices.get(key) ?? 0) + slices);
      changed.slices += slices;
      if (isOther || !hasOthers || slices > 0) concerned.push(key);
    }
    this.#sliceTotal += changed.slices;
    return { changed, concerned };
  }

  /** A sync takes in what is known of these Services. */
  take(services: Iterable<ServiceKey>): void {
    for (const key of services) {
      this.#services.delete(key);
      this.#sliceTotal -= this.#slices.get(key) ?? 0;
      this.#slices.delete(key);
      for (const trigger of this.#triggers.get(key) ?? []) trigger.taken = true;
    }
  }

  /** The kernel confirmed these Services. Returns the age in milliseconds of each trigger that the sync had taken in. */
  confirm(services: Iterable<ServiceKey>, now: number): number[] {
    const ages: number[] = [];
    for (const key of services) {
      const triggers = this.#triggers.get(key);
      if (triggers === undefined) continue;
      for (const { taken, at } of triggers) if (taken) ages.push(Math.max(0, now - at));
      this.#keep(
        key,
        triggers.filter((trigger) => !trigger.taken),
      );
    }
    return ages;
  }

  /** Lists of slices are short. */
  #noteSlices(service: ServiceKey, before: readonly SliceRecord[], after: readonly SliceRecord[]): number {
    let changed = 0;
    let triggers = this.#triggers.get(service) ?? [];
    for (const { key, family } of before) {
      if (family !== this.#family || after.some((slice) => slice.key === key && slice.family === family)) continue;
      changed += 1;
      triggers = triggers.filter((trigger) => trigger.slice !== key);
    }
    for (const slice of after) {
      const { key, family, triggeredAt } = slice;
      if (family !== this.#family || before.includes(slice)) continue;
      changed += 1;
      if (triggeredAt !== null && triggeredAt >= this.#startedAt && triggers.length < mostTriggers) {
        triggers = [...triggers, { slice: key, at: triggeredAt, taken: false }];
      }
    }
    if (changed > 0) this.#keep(service, triggers);
    return changed;
  }

  #keep(service: ServiceKey, triggers: readonly Trigger[]): void {
    if (triggers.length === 0) this.#triggers.delete(service);
    else this.#triggers.set(service, triggers);
  }
}

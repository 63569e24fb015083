import type { ZoneChange, ZoneNamespace, ZonePod, ZoneService } from './zone-input.ts';

/** One thing to be told. */
export type FeedItem =
  | { readonly kind: 'service'; readonly value: ZoneService }
  | { readonly kind: 'namespace'; readonly value: ZoneNamespace }
  | { readonly kind: 'pod'; readonly value: ZonePod }
  | { readonly kind: 'removed'; readonly from: 'removedServices' | 'removedNamespaces' | 'removedPods'; readonly key: string };

/** A change is ended by the item that reaches one of these. */
export interface PackLimits {
  readonly services: number;
  readonly endpoints: number;
  /** Namespaces, Pods and what was removed. */
  readonly others: number;
}

/** A change is copied in one go on one side and applied in one go on the other: both take about a millisecond at this size. */
export const usualLimits: PackLimits = { services: 50, endpoints: 500, others: 1000 };

/** Gathers items into changes of bounded size; with `synced` the last of them says so, and there is at least one. */
export function* packItems(
  items: Iterable<FeedItem>,
  limits: PackLimits,
  { at, synced }: Pick<ZoneChange, 'at' | 'synced'>,
): Generator<ZoneChange> {
  let pack = new Pack();
  for (const item of items) {
    pack.add(item);
    if (!pack.reaches(limits)) continue;
    yield pack.finish(at, false);
    pack = new Pack();
  }
  if (synced || !pack.empty) yield pack.finish(at, synced);
}

class Pack {
  readonly #services: ZoneService[] = [];
  readonly #namespaces: ZoneNamespace[] = [];
  readonly #pods: ZonePod[] = [];
  readonly #removed = { removedServices: [] as string[], removedNamespaces: [] as string[], removedPods: [] as string[] };
  #endpoints = 0;
  #others = 0;

  add(item: FeedItem): void {
    if (item.kind === 'service') {
      this.#services.push(item.value);
      for (const { endpoints } of item.value.slices) this.#endpoints += endpoints.length;
      return;
    }
    this.#others += 1;
    if (item.kind === 'namespace') this.#namespaces.push(item.value);
    else if (item.kind === 'pod') this.#pods.push(item.value);
    else this.#removed[item.from].push(item.key);
  }

  get empty(): boolean {
    return this.#services.length === 0 && this.#others === 0;
  }

  reaches({ services, endpoints, others }: PackLimits): boolean {
    return this.#services.length >= services || this.#endpoints >= endpoints || this.#others >= others;
  }

  finish(at: number, synced: boolean): ZoneChange {
    return { services: this.#services, namespaces: this.#namespaces, pods: this.#pods, ...this.#removed, synced, at };
  }
}

import { emptySnapshot } from '../model/mod.ts';
import type { Dirty, Lookup, PodRecord, Snapshot } from '../model/mod.ts';
import type { DataNeeds } from './feed-needs.ts';
import { packItems, usualLimits } from './feed-pack.ts';
import type { FeedItem, PackLimits } from './feed-pack.ts';
import { describeService, isSameService } from './feed-service.ts';
import type { ZoneChange } from './zone-input.ts';

export interface FeedOptions {
  readonly nodeName: string;
  readonly needs: DataNeeds;
  /** How large a change may be; absent: as large as can be copied in a millisecond or two. */
  readonly limits?: PackLimits;
  /** The feed that this one takes the place of; null or absent: there was none. */
  readonly before?: Feed | null;
}

const nothing: Lookup<never> = new Map<string, never>();

/**
 * Turns snapshots into what workers are told. Remembers one snapshot, the last that was told of, and compares with it, so
 * that what is not visible in answers is not told (specification 15.5).
 *
 * Both methods give their changes one by one, and the caller may let other work run in between, the other method
 * included: what is read late is read from the latest snapshot. So a worker that starts late is sent `initial` while all of
 * them are sent `changes`, in the order in which they are given. Times are in seconds since 1970.
 */
export class Feed {
  readonly #nodeName: string;
  readonly #needs: DataNeeds;
  readonly #limits: PackLimits;
  #latest: Snapshot;

  constructor({ nodeName, needs, limits = usualLimits, before = null }: FeedOptions) {
    this.#latest = before === null ? emptySnapshot : before.#latest;
    this.#nodeName = nodeName;
    this.#needs = needs;
    this.#limits = limits;
  }

  /**
   * All there is, and what the feed before this one had told that is gone: right for a worker that knows nothing and for one
   * whose zone goes on. The last change says that it was all. Wants the newest snapshot, synced.
   */
  initial(snapshot: Snapshot, at: number): Iterable<ZoneChange> {
    const before = this.#latest;
    this.#latest = snapshot;
    return packItems(this.#everything(before, snapshot), this.#limits, { at, synced: true });
  }

  /** What differs visibly from the last snapshot that was given; no change at all where nothing does. */
  changes(snapshot: Snapshot, dirty: Dirty, at: number): Iterable<ZoneChange> {
    const before = this.#latest;
    this.#latest = snapshot;
    return packItems(this.#differences(before, dirty), this.#limits, { at, synced: false });
  }

  *#everything(before: Snapshot, { namespaces, pods, services }: Snapshot): Generator<FeedItem> {
    for (const name of before.namespaces?.keys() ?? [])
      if (namespaces?.get(name) === undefined) yield* this.#namespace(before, name);
    for (const key of before.pods?.keys() ?? []) if (pods?.get(key) === undefined) yield* this.#pod(before, key);
    for (const key of before.services.keys()) if (services.get(key) === undefined) yield* this.#service(before, key);
    for (const name of namespaces?.keys() ?? []) yield* this.#namespace(emptySnapshot, name);
    for (const key of pods?.keys() ?? []) yield* this.#pod(emptySnapshot, key);
    for (const key of services.keys()) yield* this.#service(emptySnapshot, key);
  }

  *#differences(before: Snapshot, dirty: Dirty): Generator<FeedItem> {
    for (const name of dirty.namespaces) yield* this.#namespace(before, name);
    for (const key of dirty.pods) yield* this.#pod(before, key);
    for (const key of dirty.services) yield* this.#service(before, key);
  }

  *#namespace(before: Snapshot, name: string): Generator<FeedItem> {
    const old = (before.namespaces ?? nothing).get(name);
    const value = (this.#latest.namespaces ?? nothing).get(name);
    if (value === old) return;
    if (value === undefined) yield { kind: 'removed', from: 'removedNamespaces', key: name };
    else yield { kind: 'namespace', value };
  }

  *#pod(before: Snapshot, key: string): Generator<FeedItem> {
    const old = podOf(before, key);
    const pod = podOf(this.#latest, key);
    if (pod === old) return;
    if (pod === undefined) {
      yield { kind: 'removed', from: 'removedPods', key };
      return;
    }
    const { namespace, addresses, labels } = pod;
    yield { kind: 'pod', value: { key, namespace, addresses, local: pod.nodeName === this.#nodeName, labels } };
  }

  *#service(before: Snapshot, key: string): Generator<FeedItem> {
    const service = this.#latest.services.get(key);
    const old = before.services.get(key);
    if (service === undefined) {
      if (old !== undefined) yield { kind: 'removed', from: 'removedServices', key };
      return;
    }
    const slices = this.#latest.slices.get(key) ?? [];
    if (old !== undefined && isSameService([old, before.slices.get(key) ?? []], [service, slices], this.#needs)) return;
    yield { kind: 'service', value: describeService(service, slices, this.#needs) };
  }
}

/** A Pod that has an address; before that there is nothing to tell. */
function podOf({ pods }: Snapshot, key: string): PodRecord | undefined {
  const pod = (pods ?? nothing).get(key) as PodRecord | undefined;
  return pod === undefined || pod.addresses.length === 0 ? undefined : pod;
}

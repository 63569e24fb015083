import type { Family, Frontend, Problem, RowState, ServiceKey, StatusRow } from '../model/mod.ts';

interface Entry {
  readonly frontends: readonly Frontend[];
  readonly state: RowState;
  readonly since: number;
  readonly problem: Problem | null;
}

/** Frontends by state. */
export type StateCounts = Readonly<Record<RowState, number>>;

/** The status of every frontend of one family, kept by Service: the kernel takes or refuses them together. */
export class StatusTable {
  readonly #family: Family;
  readonly #entries = new Map<ServiceKey, Entry>();
  /** Since when each Service that is pending is, the oldest first. */
  readonly #pending = new Map<ServiceKey, number>();
  readonly #counts: Record<RowState, number> = { Pending: 0, Done: 0, Error: 0 };

  readonly #listeners = new Set<(service: ServiceKey) => void>();

  constructor(family: Family) {
    this.#family = family;
  }

  /** Calls back with each Service whose rows change. The result ends that. */
  listen(listener: (service: ServiceKey) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The Services that have an entry, in no order. */
  services(): Iterable<ServiceKey> {
    return this.#entries.keys();
  }

  /** The rows of one Service; empty where it has none. */
  rowsOf(service: ServiceKey): readonly StatusRow[] {
    const entry = this.#entries.get(service);
    return entry === undefined ? [] : entry.frontends.map((frontend) => rowOf(this.#family, frontend, entry));
  }

  /** A change of the Service is known and not yet in the kernel. Keeps `since` if it was pending already. */
  markPending(service: ServiceKey, now: number): void {
    const entry = this.#entries.get(service);
    if (entry !== undefined && entry.state !== 'Done') return;
    this.#put(service, { frontends: entry?.frontends ?? [], state: 'Pending', since: now, problem: null });
  }

  /** What a pending Service is to become, so that it is seen while the kernel is asked. One that goes is seen as it was until then. */
  notePlanned(service: ServiceKey, frontends: readonly Frontend[]): void {
    const entry = this.#entries.get(service);
    if (entry?.state === 'Pending' && frontends.length > 0) this.#put(service, { ...entry, frontends });
  }

  /** The kernel holds these frontends; with none the Service is gone. */
  markDone(service: ServiceKey, frontends: readonly Frontend[], now: number): void {
    const entry = this.#entries.get(service);
    const since = entry?.state === 'Done' ? entry.since : now;
    this.#put(service, frontends.length === 0 ? null : { frontends, state: 'Done', since, problem: null });
  }

  /** The kernel refused these frontends. Keeps `since` if it had refused before. */
  markError(service: ServiceKey, frontends: readonly Frontend[], problem: Problem, now: number): void {
    const entry = this.#entries.get(service);
    const since = entry?.state === 'Error' ? entry.since : now;
    this.#put(service, { frontends, state: 'Error', since, problem });
  }

  /** When the oldest change that is still pending became known, or null if none is. */
  pendingSince(): number | null {
    return this.#pending.values().next().value ?? null;
  }

  /** How a Service stands that the kernel does not have as it is wanted. `since` is null where nothing was noted. */
  stateOf(service: ServiceKey): { readonly since: number | null; readonly problem: Problem | null } {
    const { since = null, problem = null } = this.#entries.get(service) ?? {};
    return { since, problem };
  }

  get counts(): StateCounts {
    return { ...this.#counts };
  }

  #put(service: ServiceKey, entry: Entry | null): void {
    const before = this.#entries.get(service);
    if (before !== undefined) this.#counts[before.state] -= before.frontends.length;
    if (entry === null) this.#entries.delete(service);
    else {
      this.#entries.set(service, entry);
      this.#counts[entry.state] += entry.frontends.length;
    }
    if (entry?.state === 'Pending') this.#pending.set(service, entry.since);
    else this.#pending.delete(service);
    for (const listener of this.#listeners) listener(service);
  }

  /** Sorted by Service. */
  rows(): StatusRow[] {
    const services = [...this.#entries].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return services.flatMap(([, entry]) => entry.frontends.map((frontend) => rowOf(this.#family, frontend, entry)));
  }
}

function rowOf(family: Family, frontend: Frontend, entry: Entry): StatusRow {
  const route = frontend.routes.outside;
  return {
    family,
    service: frontend.service,
    servicePort: frontend.servicePort,
    kind: frontend.kind,
    address: frontend.address ?? '*',
    protocol: frontend.protocol,
    port: frontend.port,
    backends: route.verdict === 'forward' ? route.pool.backends.length : 0,
    verdict: route.verdict,
    state: entry.state,
    since: entry.since,
    reason: entry.problem?.message ?? '',
    code: entry.problem?.code ?? '',
  };
}

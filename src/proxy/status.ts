import type { Family, Frontend, Problem, RowState, ServiceKey, StatusRow } from '../model/mod.ts';

interface Entry {
  frontends: readonly Frontend[];
  state: RowState;
  since: number;
  problem: Problem | null;
}

/** The status of every frontend of one family, kept by Service: the kernel takes or refuses them together. */
export class StatusTable {
  readonly #family: Family;
  readonly #entries = new Map<ServiceKey, Entry>();

  constructor(family: Family) {
    this.#family = family;
  }

  /** A change of the Service is known and not yet in the kernel. Keeps `since` if it was pending already. */
  markPending(service: ServiceKey, now: number): void {
    const entry = this.#entries.get(service);
    if (entry === undefined) this.#entries.set(service, { frontends: [], state: 'Pending', since: now, problem: null });
    else if (entry.state === 'Done') Object.assign(entry, { state: 'Pending', since: now, problem: null });
  }

  /** The kernel holds these frontends; with none the Service is gone. */
  markDone(service: ServiceKey, frontends: readonly Frontend[], now: number): void {
    const entry = this.#entries.get(service);
    if (frontends.length === 0) this.#entries.delete(service);
    else if (entry?.state === 'Done') entry.frontends = frontends;
    else this.#entries.set(service, { frontends, state: 'Done', since: now, problem: null });
  }

  /** The kernel refused these frontends. Keeps `since` if it had refused before. */
  markError(service: ServiceKey, frontends: readonly Frontend[], problem: Problem, now: number): void {
    const since = this.#entries.get(service);
    this.#entries.set(service, { frontends, state: 'Error', since: since?.state === 'Error' ? since.since : now, problem });
  }

  /** When the oldest change that is still pending became known, or null if none is. */
  pendingSince(): number | null {
    let oldest: number | null = null;
    for (const { state, since } of this.#entries.values()) {
      if (state === 'Pending' && (oldest === null || since < oldest)) oldest = since;
    }
    return oldest;
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

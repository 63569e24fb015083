import type { Frontend, ServiceKey } from '../model/mod.ts';

/** Service ports by the traffic policy that is `Local`. */
export interface PortCounts {
  readonly internal: number;
  readonly external: number;
}

const none: PortCounts = { internal: 0, external: 0 };

/**
 * Service ports that some node could serve and this one cannot, because their policy is `Local` and no usable
 * endpoint is here (KEP-2086). Such a port is the only one whose traffic from outside is dropped and not rejected.
 */
export function countWithoutLocal(frontends: readonly Frontend[]): PortCounts {
  // True of nearly every Service, and asked of all of them in a full sync.
  if (!frontends.some(({ routes }) => routes.outside.verdict === 'drop')) return none;
  const internal = new Set<string>();
  const external = new Set<string>();
  for (const { kind, routes, servicePort } of frontends) {
    if (routes.outside.verdict === 'drop') (kind === 'ClusterIP' ? internal : external).add(servicePort);
  }
  return { internal: internal.size, external: external.size };
}

/** Keeps the sum over all Services; a change costs what its Service has. */
export class NoLocalEndpoints {
  readonly #each = new Map<ServiceKey, PortCounts>();
  readonly #perService: boolean;
  #total = none;

  /** `perService` counts a Service once however many ports it has, which is what the reference does in ipvs mode. */
  constructor(perService: boolean) {
    this.#perService = perService;
  }

  /** Notes the frontends of one Service that are in the kernel; none if it is gone. */
  note(service: ServiceKey, frontends: readonly Frontend[]): void {
    const before = this.#each.get(service) ?? none;
    const ports = countWithoutLocal(frontends);
    const after = this.#perService ? { internal: Math.min(1, ports.internal), external: Math.min(1, ports.external) } : ports;
    if (after.internal === 0 && after.external === 0) this.#each.delete(service);
    else this.#each.set(service, after);
    this.#total = {
      internal: this.#total.internal - before.internal + after.internal,
      external: this.#total.external - before.external + after.external,
    };
  }

  get total(): PortCounts {
    return this.#total;
  }
}

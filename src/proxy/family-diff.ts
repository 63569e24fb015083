import { formatEndpoint } from '../model/mod.ts';
import type { Difference, Family, Frontend, Pause, Problem, ServiceKey, Snapshot } from '../model/mod.ts';
import type { StatusTable } from './status.ts';
import { deriveFrontends } from './view.ts';
import type { Viewpoint } from './view.ts';

/** What separates the kernel from what is wanted, in one family. */
export interface FamilyDiff {
  readonly family: Family;
  /** Why the kernel could not be compared; `differences` is empty then. */
  readonly problem: Problem | null;
  /** Between what was last written and what the kernel holds. */
  readonly differences: readonly Difference[];
  /** Services whose last change is not in the kernel. */
  readonly pending: readonly PendingService[];
  /** Addresses or settings of the node are other ones than at the last sync: the next one looks at every Service. */
  readonly nodeChanged: boolean;
}

export interface PendingService {
  readonly service: ServiceKey;
  /** Its frontends in words, without what ingress makes of them; empty: all of it is to go. */
  readonly wanted: readonly string[];
  /** Milliseconds since 1970; null where nobody noted it. */
  readonly since: number | null;
  /** Why the kernel refused it last; null where it was not asked yet. */
  readonly problem: Problem | null;
}

/** What pending Services are looked at with. */
export interface PendingFacts {
  readonly snapshot: Snapshot;
  readonly viewpoint: Viewpoint;
  readonly status: StatusTable;
  readonly pause: Pause;
}

/** Asks for what is wanted without telling ingress or the owners of Services: that is for the sync to do. */
export async function listPending(
  services: Iterable<ServiceKey>,
  { snapshot, viewpoint, status, pause }: PendingFacts,
): Promise<readonly PendingService[]> {
  const pending: PendingService[] = [];
  for (const key of services) {
    const service = snapshot.services.get(key);
    const frontends = service === undefined ? [] : deriveFrontends(service, snapshot.slices.get(key) ?? [], viewpoint);
    pending.push({ service: key, wanted: frontends.map(describeFrontend), ...status.stateOf(key) });
    await pause();
  }
  return pending;
}

/** One line: `ClusterIP TCP 10.96.0.1:80 -> 10.244.1.2:8080 10.244.2.3:8080`. */
function describeFrontend({ kind, protocol, address, port, routes }: Frontend): string {
  const { outside } = routes;
  const place = address === null ? `*:${port}` : formatEndpoint(address, port);
  const end =
    outside.verdict === 'forward'
      ? outside.pool.backends.map((backend) => formatEndpoint(backend.address, backend.port)).join(' ')
      : outside.verdict;
  return `${kind} ${protocol} ${place} -> ${end}`;
}

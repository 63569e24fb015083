import { families as allFamilies } from '../model/mod.ts';
import type { Family, FamilyHealth } from '../model/mod.ts';
import { isProxyHealthy, jsonReply } from '../observe/mod.ts';
import type { Page } from '../observe/mod.ts';
import type { FamilyTally, HealthCheckRow } from '../proxy/mod.ts';
import type { RecentProblem } from './recent-problems.ts';

/** What `GET /status` answers. Times are milliseconds since 1970. */
export interface NodeStatus {
  /** When this was said. */
  readonly now: number;
  readonly agent: { readonly version: string; readonly mode: string; readonly node: string; readonly startedAt: number };
  /** The first complete sync is done in every family. */
  readonly synced: boolean;
  /** The Node was seen and is not about to leave. */
  readonly nodeEligible: boolean;
  readonly families: readonly FamilyStatus[];
  /** Ports on which load balancers are told of endpoints. */
  readonly healthChecks: readonly HealthCheckRow[];
  /** `configured` and not `running`: its configuration could not be used. */
  readonly dns: { readonly configured: boolean; readonly running: boolean; readonly ready: boolean };
  readonly ingress: { readonly running: boolean; readonly publications: number };
  readonly problems: readonly RecentProblem[];
}

export interface FamilyStatus {
  readonly family: Family;
  readonly lastUpdated: number | null;
  /** Since when a change waits for the kernel; null: none does. */
  readonly pendingSince: number | null;
  /** No change has waited for longer than twice the sync period. */
  readonly healthy: boolean;
  readonly frontends: FamilyTally['states'];
}

/** `/status` of the debug address: how the node is, in one look. */
export function makeStatusPages(status: () => NodeStatus): ReadonlyMap<string, Page> {
  return new Map<string, Page>([['/status', () => jsonReply(200, status())]]);
}

/** How far each family has come, IPv4 first. Families whose sync loops have not started are left out. */
export function describeFamilies(
  health: readonly FamilyHealth[],
  tallies: readonly Pick<FamilyTally, 'family' | 'states'>[],
  { now, patience }: { readonly now: number; readonly patience: number },
): readonly FamilyStatus[] {
  return allFamilies.flatMap((family) =>
    health
      .filter((one) => one.family === family)
      .map((one) => ({ ...one, healthy: isProxyHealthy([one], now, patience), frontends: statesOf(family, tallies) })),
  );
}

function statesOf(family: Family, tallies: Parameters<typeof describeFamilies>[1]): FamilyStatus['frontends'] {
  return tallies.find((one) => one.family === family)?.states ?? { Pending: 0, Done: 0, Error: 0 };
}

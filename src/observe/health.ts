import { compareText } from '../model/mod.ts';
import type { FamilyHealth } from '../model/mod.ts';
import { formatTime } from './format-time.ts';

/** What health is judged from. */
export interface HealthView {
  readonly families: readonly FamilyHealth[];
  /** The Node was seen, is not being deleted and carries no taint of the autoscaler. */
  readonly nodeEligible: boolean;
  /** The first complete sync is done. */
  readonly synced: boolean;
}

export interface HealthAnswer {
  readonly status: 200 | 503;
  readonly body: string;
}

/** A family is unhealthy once a change has waited for `patience` milliseconds: twice the sync period (specification 7.1). */
function isFamilyHealthy(health: FamilyHealth, now: number, patience: number): boolean {
  return health.pendingSince === null || now - health.pendingSince < patience;
}

/** True when every family is; with no family yet, too. */
export function isProxyHealthy(families: readonly FamilyHealth[], now: number, patience: number): boolean {
  return families.every((family) => isFamilyHealthy(family, now, patience));
}

/**
 * The answer of `/healthz` or `/livez` (specification 7.2). Before the first complete sync the node counts
 * as not eligible: a load balancer must not send traffic to a node without rules, and a liveness probe must not
 * kill an agent that waits for its API server.
 */
export function answerHealth(path: '/healthz' | '/livez', view: HealthView, now: number, patience: number): HealthAnswer {
  const healthy = isProxyHealthy(view.families, now, patience);
  const nodeEligible = view.nodeEligible && view.synced;
  const good = healthy && (path === '/livez' || nodeEligible);
  const families = view.families.toSorted((a, b) => compareText(a.family, b.family));
  const status = families.map((health) => [
    health.family,
    { lastUpdated: formatTime(health.lastUpdated), healthy: isFamilyHealthy(health, now, patience) },
  ]);
  // The order of the keys is part of the contract.
  const body = {
    lastUpdated: formatTime(good ? now : latestUpdate(families)),
    currentTime: formatTime(now),
    ...(path === '/healthz' ? { nodeEligible } : {}),
    healthy,
    ...(status.length > 0 ? { status: Object.fromEntries(status) } : {}),
  };
  return { status: good ? 200 : 503, body: JSON.stringify(body) };
}

function latestUpdate(families: readonly FamilyHealth[]): number | null {
  return families.reduce<number | null>((latest, { lastUpdated }) => {
    return lastUpdated !== null && (latest === null || lastUpdated > latest) ? lastUpdated : latest;
  }, null);
}

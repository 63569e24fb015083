import { sideKey } from '../model/mod.ts';
import type { SideEntry, SideSettings } from '../model/mod.ts';
import { emptyPlan } from './plan-types.ts';
import type { Plan, PlanContext } from './plan-types.ts';
import { keyOfWish } from './routes.ts';
import type { RouteWish } from './routes.ts';
import { noService } from './settings.ts';
import type { IpvsOptions } from './settings.ts';

/** What is there whatever Services there are: the service ranges are local, and nothing on the node answers in them. */
export function planBase(serviceCidrs: PlanContext['serviceCidrs']): Plan {
  const entries = new Map<string, SideEntry>();
  const routes = new Map<string, RouteWish>();
  for (const prefix of serviceCidrs) {
    const entry: SideEntry = { kind: 'protected', prefix };
    entries.set(sideKey(entry), entry);
    const wish: RouteWish = { kind: 'service', prefix };
    routes.set(keyOfWish(wish), wish);
  }
  return { ...emptyPlan(noService, noService), entries, routes };
}

export function planSideSettings(
  { podTraffic, nodePorts, masqueradeBit }: PlanContext['settings'],
  { captureBit, echo }: Pick<IpvsOptions, 'captureBit' | 'echo'>,
): SideSettings {
  return { podTraffic, nodePorts, masqueradeBit, captureBit, echo };
}

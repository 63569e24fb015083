import { sideKey } from '../model/mod.ts';
import type { Address, SideEntry, SideSettings } from '../model/mod.ts';
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

/** Other nodes, whose tunnels and link-layer addresses are believed. */
export function planPeers(peers: PlanContext['settings']['peers']): Plan {
  const entries = (peers?.nodes ?? []).map((node): SideEntry => ({ kind: 'peer', ...node }));
  return { ...emptyPlan('peers of this node', noService), entries: new Map(entries.map((entry) => [sideKey(entry), entry])) };
}

/** `ownAddresses`: those of the node's interfaces. */
export function planSideSettings(
  { podTraffic, nodePorts, masqueradeBit, nodeAddress, peers }: PlanContext['settings'],
  { family, captureBit, echo, strays }: Pick<IpvsOptions, 'family' | 'captureBit' | 'echo' | 'strays'>,
  ownAddresses: ReadonlySet<Address>,
): SideSettings {
  const answers = family === 'IPv4' && echo === 'answer' && nodeAddress !== null && ownAddresses.has(nodeAddress);
  const echoAddress = answers ? nodeAddress : null;
  const tunnels = { tunnelDevices: peers?.devices ?? [], tunnelProtocols: peers?.protocols ?? [] };
  return { podTraffic, nodePorts, masqueradeBit, captureBit, echo, echoAddress, strays, ...tunnels };
}

import { clientClasses, hostPrefix, sideKey } from '../model/mod.ts';
import type { SideClient, SideEntry } from '../model/mod.ts';
import type { Kernel } from './data-plane-kernel.ts';
import { emptyPlan } from './plan-types.ts';
import type { Plan, Spot } from './plan-types.ts';
import { captureRule, keyOfWish } from './routes.ts';
import type { RouteWish } from './routes.ts';
import { noService } from './settings.ts';
import type { IpvsOptions } from './settings.ts';
import type { Target } from './target.ts';

/** What a spot keeps of the kernel while its connections end: whatever is there of what leads their packets here. */
export function planHeld(id: string, spot: Spot, kernel: Pick<Kernel, 'entries' | 'routes'>, options: IpvsOptions): Plan {
  const { address, protocol, port, rewritePort } = spot;
  const target = reachOf(spot).at(-1) ?? spot;
  const decision = (client: SideClient, verdict: 'reject' | 'drop'): SideEntry => {
    return { kind: 'decision', client, ...target, decision: { verdict } };
  };
  const isThere = (entry: SideEntry): boolean => kernel.entries.has(sideKey(entry));
  const kept = clientClasses.map((client) => decision(client, 'reject'));
  kept.push(...[decision('peer', 'drop')].filter(isThere));
  const wishes: RouteWish[] = [];
  if (address !== null) {
    const prefix = hostPrefix(address);
    const local: SideEntry[] = [
      { kind: 'capture', ...target, address },
      { kind: 'capture-address', address },
      { kind: 'protected', prefix },
      { kind: 'closed', address },
    ];
    const rewrite: SideEntry = { kind: 'rewrite', address, protocol, port, to: rewritePort ?? port, direct: false };
    const rewrites = rewritePort === undefined ? [] : [rewrite, { kind: 'clamp', address, size: null } as const];
    kept.push(...[...local, ...rewrites].flatMap((entry) => kernel.entries.get(sideKey(entry)) ?? []));
    wishes.push(...waysOf(prefix, kernel, options));
  }
  return {
    ...emptyPlan(id, noService),
    entries: new Map(kept.map((entry) => [sideKey(entry), entry])),
    routes: new Map(wishes.map((wish) => [keyOfWish(wish), wish])),
  };
}

/** What clients of a spot send to and, where that is something else, what their packets are rewritten to. */
export function reachOf({ address, protocol, port, lastPort, rewritePort }: Spot): readonly Target[] {
  const asked = { address, protocol, port, ...(lastPort === undefined ? {} : { lastPort }) };
  return rewritePort === undefined ? [asked] : [asked, { address, protocol, port: rewritePort }];
}

function waysOf(
  prefix: Extract<RouteWish, { kind: 'service' }>['prefix'],
  { routes }: Pick<Kernel, 'routes'>,
  options: IpvsOptions,
): readonly RouteWish[] {
  const captured: RouteWish = { kind: 'captured', prefix, table: options.routeTable };
  const ways: RouteWish[] = [{ kind: 'service', prefix }, captured, captureRule(options)];
  const isCaptured = routes.has(keyOfWish(captured));
  return ways.filter((way) => routes.has(keyOfWish(way)) && (way.kind !== 'rule' || isCaptured));
}

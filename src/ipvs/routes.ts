import { formatPrefix } from '../model/mod.ts';
import type { Address, Prefix } from '../model/mod.ts';
import type { Route, RoutingRule } from '../netlink/mod.ts';

/** What makes addresses of Services local to this node (specification 3). */
export type RouteWish =
  /** A range of ClusterIPs, or one of them: local for everybody. */
  | { readonly kind: 'service'; readonly prefix: Prefix }
  /** Local only for captured packets. */
  | { readonly kind: 'captured'; readonly prefix: Prefix }
  /** Leads captured packets to the table of captured addresses. */
  | { readonly kind: 'rule'; readonly captureBit: number };

export type KernelRoute =
  | { readonly kind: 'route'; readonly route: Route }
  | { readonly kind: 'rule'; readonly rule: RoutingRule };

/** RTPROT_* number of everything that is ours. */
const ownProtocol = 87;
const localTable = 255;
/** Holds captured addresses and never a default: a default would swallow what the balancer sends on (specification 3.3). */
const captureTable = 0x5757;
/** Before the rules of the main table and of most CNIs. */
const capturePriority = 75;

export const routeTables: readonly number[] = [localTable, captureTable];

export function keyOfWish(wish: RouteWish): string {
  if (wish.kind === 'rule') return `rule ${markBit(wish.captureBit)}`;
  return `${wish.kind === 'service' ? localTable : captureTable} ${formatPrefix(wish.prefix)}`;
}

/** Null for what is not ours. */
export function keyOfRoute(route: Route): string | null {
  if (route.protocol !== ownProtocol || !routeTables.includes(route.table)) return null;
  return `${route.table} ${formatPrefix(route.destination)}`;
}

/** Null for what is not ours. */
export function keyOfRule(rule: RoutingRule): string | null {
  const ours = rule.protocol === ownProtocol && rule.table === captureTable && rule.priority === capturePriority;
  if (!ours || rule.further || rule.mark === null || rule.mark.value !== rule.mark.mask) return null;
  return `rule ${rule.mark.value}`;
}

/** `source` is what processes of the node send from; it plays no part for captured packets. */
export function buildRoute(wish: RouteWish, source: Address | null): KernelRoute {
  if (wish.kind === 'rule') {
    const mark = { value: markBit(wish.captureBit), mask: markBit(wish.captureBit) };
    return {
      kind: 'rule',
      rule: { priority: capturePriority, mark, table: captureTable, protocol: ownProtocol, further: false },
    };
  }
  const service = wish.kind === 'service';
  return {
    kind: 'route',
    route: {
      destination: wish.prefix,
      table: service ? localTable : captureTable,
      type: 'local',
      device: 'lo',
      source: service ? source : null,
      gateway: null,
      protocol: ownProtocol,
    },
  };
}

/** Two of one key that mean the same to a packet. */
export function isSameRoute(one: KernelRoute, other: KernelRoute): boolean {
  if (one.kind === 'rule' || other.kind === 'rule') return one.kind === other.kind;
  return (['type', 'device', 'source', 'gateway'] as const).every((field) => one.route[field] === other.route[field]);
}

function markBit(bit: number): number {
  return 2 ** bit;
}

import { formatPrefix } from '../model/mod.ts';
import type { Address, Prefix } from '../model/mod.ts';
import type { Route, RoutingRule } from '../netlink/mod.ts';

/** What makes addresses of Services local to this node (specification 3). */
export type RouteWish =
  /** A range of ClusterIPs, or one of them: local for everybody. */
  | { readonly kind: 'service'; readonly prefix: Prefix }
  /** Local only for captured packets. */
  | { readonly kind: 'captured'; readonly prefix: Prefix; readonly table: number }
  /** Leads captured packets to the table of captured addresses. */
  | { readonly kind: 'rule'; readonly captureBit: number; readonly table: number; readonly priority: number };

export type KernelRoute =
  | { readonly kind: 'route'; readonly route: Route }
  | { readonly kind: 'rule'; readonly rule: RoutingRule };

/**
 * RTPROT_* number of everything that is ours. It is the record of routes and rules: those of an earlier run with other numbers
 * of table and priority are known by it too.
 */
export const routeProtocol = 87;
const localTable = 255;
/** Holds captured addresses and never a default: a default would swallow what the balancer sends on (specification 3.3). */
export const standardRouteTable = 0x5757;

export function captureRule({ captureBit, routeTable, rulePriority }: RouteNumbers): RouteWish {
  return { kind: 'rule', captureBit, table: routeTable, priority: rulePriority };
}

/** What an operator may choose of them. */
interface RouteNumbers {
  readonly captureBit: number;
  readonly routeTable: number;
  readonly rulePriority: number;
}

/** Tables that may hold routes of ours: the usual ones, and those that our rules lead to. */
export function tablesOfRules(rules: readonly RoutingRule[], { routeTable }: RouteNumbers): readonly number[] {
  const led = rules.filter((rule) => keyOfRule(rule) !== null).map(({ table }) => table);
  return [...new Set([localTable, routeTable, standardRouteTable, ...led])];
}

export function keyOfWish(wish: RouteWish): string {
  if (wish.kind === 'rule') return ruleKey(wish.priority, wish.table, markBit(wish.captureBit));
  return `${wish.kind === 'service' ? localTable : wish.table} ${formatPrefix(wish.prefix)}`;
}

/** Null for what is not ours. */
export function keyOfRoute(route: Route): string | null {
  return route.protocol === routeProtocol ? `${route.table} ${formatPrefix(route.destination)}` : null;
}

/** Null for what is not ours. */
export function keyOfRule({ priority, mark, table, protocol, further }: RoutingRule): string | null {
  if (protocol !== routeProtocol || further || mark === null || mark.value !== mark.mask) return null;
  return ruleKey(priority, table, mark.value);
}

function ruleKey(priority: number, table: number, mark: number): string {
  return `rule ${priority} mark ${mark} table ${table}`;
}

/** `source` is what processes of the node send from; it plays no part for captured packets. */
export function buildRoute(wish: RouteWish, source: Address | null): KernelRoute {
  if (wish.kind === 'rule') {
    const { priority, table, captureBit } = wish;
    const mark = { value: markBit(captureBit), mask: markBit(captureBit) };
    return { kind: 'rule', rule: { priority, mark, table, protocol: routeProtocol, further: false } };
  }
  const service = wish.kind === 'service';
  return {
    kind: 'route',
    route: {
      destination: wish.prefix,
      table: service ? localTable : wish.table,
      type: 'local',
      device: 'lo',
      source: service ? source : null,
      gateway: null,
      protocol: routeProtocol,
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

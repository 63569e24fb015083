import { formatPrefix } from '../model/mod.ts';
import type { Problem } from '../model/mod.ts';
import type { Route, RoutingRule } from './route-port.ts';
import { renderRoute } from './route-text.ts';

/** Equal for routes of which a table holds only one: to the same prefix. The metric is always the default. */
export function placeOf({ table, destination }: Pick<Route, 'table' | 'destination'>): string {
  return `${table} ${formatPrefix(destination)}`;
}

/**
 * What is left to be removed once the additions are there: a route that was replaced in its place is gone already, and
 * a removal could meet its successor.
 */
export function withoutReplaced(remove: readonly Route[], add: readonly Route[]): readonly Route[] {
  const places = new Set(add.map(placeOf));
  return remove.filter((route) => !places.has(placeOf(route)));
}

/** What to do about a route that the kernel did not add since there is one to the same prefix. */
export function judgeOccupied(wanted: Route, present: readonly Route[]): 'there' | 'replace' | 'foreign' {
  const place = placeOf(wanted);
  const rivals = present.filter((route) => placeOf(route) === place);
  if (rivals.some((route) => renderRoute(route) === renderRoute(wanted))) return 'there';
  return rivals.every(({ protocol }) => protocol === wanted.protocol) ? 'replace' : 'foreign';
}

/** Why a route cannot be written, or null. */
export function refuseRoute(route: Route): Problem | null {
  if (route.type !== 'other') return null;
  const message = `the route to ${formatPrefix(route.destination)} in table ${route.table} is of a type that Waypost does not write`;
  return { code: 'WP_NETLINK_UNSUPPORTED', message };
}

/** Why a rule cannot be written, or null. */
export function refuseRule(rule: RoutingRule): Problem | null {
  if (!rule.further) return null;
  const message = `the routing rule of priority ${rule.priority} says more than Waypost knows how to write`;
  return { code: 'WP_NETLINK_UNSUPPORTED', message };
}

export function foreignRoute(route: Route): Problem {
  const message = `cannot add the route ${renderRoute(route)}: there is a route to the same prefix that Waypost did not make`;
  return { code: 'WP_NETLINK_FOREIGN', message };
}

export function missingDevice(route: Route): Problem {
  return { code: 'WP_NETLINK_DEVICE', message: `cannot add the route ${renderRoute(route)}: there is no interface of that name` };
}

/** One problem for many: the first, and how many more there are. */
export function mergeProblems(problems: readonly Problem[]): Problem | null {
  const [first] = problems;
  if (first === undefined || problems.length === 1) return first ?? null;
  return { ...first, message: `${first.message} (and ${problems.length - 1} more refusals)` };
}

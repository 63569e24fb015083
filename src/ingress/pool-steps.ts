import type { Address, LiveService, ServiceKey } from '../model/mod.ts';
import { isOurs } from './pool-service.ts';
import type { PoolService } from './pool-service.ts';
import type { Table, TableRow } from './pool-table.ts';

/** A Service whose status or row is not what it should be. */
export interface Touch {
  readonly uid: string;
  readonly key: ServiceKey;
  /** Null: it is to have no address of ours; whatever else its status shows is another's. */
  readonly wish: readonly Address[] | null;
}

/** Where wish and state differ; what gives addresses back comes first, since others may wait for them. */
export function listTouches(
  wishes: ReadonlyMap<string, readonly Address[]>,
  services: ReadonlyMap<string, PoolService>,
  table: Table,
): readonly Touch[] {
  const back: Touch[] = [];
  const rest: Touch[] = [];
  for (const [uid, row] of table) if (!wishes.has(uid)) back.push({ uid, key: row.key, wish: null });
  for (const [uid, wish] of wishes) {
    const service = services.get(uid);
    if (service === undefined) continue;
    const held = table.get(uid)?.held ?? [];
    if (isSameSet(service.status, wish) && isSameSet(held, wish)) continue;
    (held.some((address) => !wish.includes(address)) ? back : rest).push({ uid, key: service.key, wish });
  }
  return [...back, ...rest];
}

/** What to do for one Service: first its row has to be in the table, then its status may be written. */
export interface Step {
  /** Null: it holds nothing. */
  readonly row: TableRow | null;
  /** Null: the status stays. */
  readonly write: readonly Address[] | null;
}

/**
 * What brings a Service nearer to the wish. `live` was read after `row` was known to be the present one; null: there is no such
 * Service. Gives null where what was planned no longer fits the Service as it is: the next plan will know better.
 */
export function decideStep(touch: Touch, row: TableRow | null, live: LiveService | null, className: string): Step | null {
  if (live === null || live.uid !== touch.uid) return { row: null, write: null };
  const reserved = row?.held ?? [];
  // At the version that the row allows to be written, a request may still be on its way; see TableRow.
  const isSettled = row === null || live.version !== row.version;
  const base = isSettled ? reserved.filter((address) => live.addresses.includes(address)) : reserved;
  const wish = touch.wish ?? live.addresses.filter((address) => !reserved.includes(address));
  // A leader that has just begun may not have seen the Service yet, for which its predecessor made the row.
  if (touch.wish === null ? isOurs(live, className) : !mayHave(live, touch.wish, className)) return null;
  // Addresses that are another's, in a status of another class, are no matter of the table.
  const held = touch.wish === null ? base : union(base, touch.wish);
  if (!isSameSet(live.addresses, wish)) return { row: rowOf(touch.key, live.version, held), write: wish };
  const stuck = base.filter((address) => !wish.includes(address));
  // Only a change of the Service puts an end to the request that may still come; so it is carried out, and taken back next.
  if (stuck.length > 0) return { row: rowOf(touch.key, live.version, held), write: [...wish, ...stuck] };
  return { row: rowOf(touch.key, row?.version ?? live.version, held), write: null };
}

export function isSameRow(a: TableRow | null, b: TableRow | null): boolean {
  if (a === null || b === null) return a === b;
  return a.version === b.version && a.key === b.key && isSameSet(a.held, b.held);
}

export function isSameSet(a: readonly Address[], b: readonly Address[]): boolean {
  return a.length === b.length && a.every((address) => b.includes(address));
}

/** A Service that is being deleted gets nothing more, and the API server refuses addresses for any type but one. */
function mayHave(live: LiveService, wish: readonly Address[], className: string): boolean {
  if (wish.length > 0 && !isOurs(live, className)) return false;
  return !live.deleting || wish.every((address) => live.addresses.includes(address));
}

function rowOf(key: ServiceKey, version: string, held: readonly Address[]): TableRow | null {
  return held.length === 0 ? null : { key, version, held };
}

function union(a: readonly Address[], b: readonly Address[]): readonly Address[] {
  return [...new Set([...a, ...b])];
}

import { formatPrefix, protocolNumbers } from '../model/mod.ts';
import type { Address, Prefix, Protocol } from '../model/mod.ts';
import { outsideLane, slotMap, stickyMap } from './plane-sets.ts';
import type { Lane, Place } from './plane-sets.ts';
import { sameTarget } from './plane-slots.ts';
import type { Slots, Target } from './plane-slots.ts';
import type { Datum } from './expression.ts';
import type { Element } from './transaction.ts';

/** What packets are sent to; `address` null: a node port. */
export interface Destination {
  readonly address: Address | null;
  readonly protocol: Protocol;
  readonly port: number;
}

/** What stands under a destination in one lane. */
export interface LaneLayout {
  readonly slots: Slots;
  /** The chain of affinity, which comes before the slots. */
  readonly sticky: string | null;
}

/** The elements of the table that belong to one destination, found or wanted. */
export interface Layout {
  /** Sets that the destination itself is in. */
  readonly sets: ReadonlySet<string>;
  readonly main: LaneLayout;
  readonly outside: LaneLayout;
  /** Who may connect, where the destination is in `restricted`. None contains another. */
  readonly sources: readonly Prefix[];
}

export const emptyLane: LaneLayout = { slots: [], sticky: null };
export const emptyLayout: Layout = { sets: new Set(), main: emptyLane, outside: emptyLane, sources: [] };

export function placeOfDestination({ address }: Destination): Place {
  return address === null ? 'node_port' : 'service';
}

/** The key of a destination in sets. */
function keyOf({ address, protocol, port }: Destination): readonly Datum[] {
  const number = protocolNumbers[protocol];
  return address === null ? [number, port] : [address, number, port];
}

/** The key as text, by which a destination is remembered. */
export function destinationText(destination: Destination): string {
  return keyOf(destination).join(' ');
}

export function isEmpty({ sets, main, outside, sources }: Layout): boolean {
  return (
    sets.size === 0 && sources.length === 0 && [main, outside].every(({ slots, sticky }) => slots.length === 0 && sticky === null)
  );
}

/** Takes an element that goes or comes. */
export type TakeElement = (set: string, element: Element) => void;

/** Names the elements in which two layouts of one destination differ, and no others. */
export function diffLayouts(
  destination: Destination,
  before: Layout,
  after: Layout,
  { remove, add }: { readonly remove: TakeElement; readonly add: TakeElement },
): void {
  const key = keyOf(destination);
  for (const set of before.sets) if (!after.sets.has(set)) remove(set, { key });
  for (const set of after.sets) if (!before.sets.has(set)) add(set, { key });
  const place = placeOfDestination(destination);
  const pairs = [
    [place, before.main, after.main],
    [outsideLane(place), before.outside, after.outside],
  ] as const;
  for (const [lane, old, next] of pairs) diffLane(destination, lane, old, next, remove, add);
  diffSources(key, before.sources, after.sources, remove, add);
}

function diffLane(
  destination: Destination,
  lane: Lane,
  before: LaneLayout,
  after: LaneLayout,
  remove: TakeElement,
  add: TakeElement,
): void {
  const map = slotMap(lane, destination.protocol);
  const length = Math.max(before.slots.length, after.slots.length);
  for (let index = 0; index < length; index += 1) {
    const [old, next] = [before.slots[index], after.slots[index]];
    if (sameTarget(old, next)) continue;
    if (old !== undefined) remove(map, slotElement(destination, index, old));
    if (next !== undefined) add(map, slotElement(destination, index, next));
  }
  if (before.sticky === after.sticky) return;
  const key = keyOf(destination);
  const element = (chain: string): Element => ({ key, value: { kind: 'goto', chain } });
  if (before.sticky !== null) remove(stickyMap(lane), element(before.sticky));
  if (after.sticky !== null) add(stickyMap(lane), element(after.sticky));
}

function slotElement({ address, port }: Destination, index: number, target: Target): Element {
  return { key: address === null ? [port, index] : [address, port, index], value: [target.address, target.port] };
}

function diffSources(
  key: readonly Datum[],
  before: readonly Prefix[],
  after: readonly Prefix[],
  remove: TakeElement,
  add: TakeElement,
): void {
  if (before.length === 0 && after.length === 0) return;
  const [old, next] = [new Set(before.map(formatPrefix)), new Set(after.map(formatPrefix))];
  for (const prefix of before) if (!next.has(formatPrefix(prefix))) remove('sources', { key: [...key, prefix] });
  for (const prefix of after) if (!old.has(formatPrefix(prefix))) add('sources', { key: [...key, prefix] });
}

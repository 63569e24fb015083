import type { Family, Pause } from '../model/mod.ts';
import { diffLayouts, emptyLane, emptyLayout, placeOfDestination } from './plane-layout.ts';
import type { LaneLayout, Layout } from './plane-layout.ts';
import type { DestinationWish, LaneWish, SharedElement } from './plane-plan.ts';
import { clientsSet, outsideLane, planeSets, planeTable, sizeOf, sizeSet } from './plane-sets.ts';
import type { Lane } from './plane-sets.ts';
import { arrangeSlots } from './plane-slots.ts';
import { rulesText } from './plane-state.ts';
import type { KnownLayout, PlaneState, StateChange } from './plane-state.ts';
import type { PlaneWish, Touched } from './plane-wish.ts';
import type { Command, Element } from './transaction.ts';

/** The commands that bring what was touched from what is there to what is wished, and what is there then. */
export interface PlaneDifference {
  readonly commands: readonly Command[];
  readonly change: StateChange;
}

export interface DiffOptions {
  /** All rules are gone: chains of affinity are written whatever they said. */
  readonly rewritten: boolean;
  /** Asked after each destination, since there may be very many. */
  readonly pause: Pause;
}

/** Elements go before others of the same key come; all of it is one transaction, so no packet meets it half done. */
export async function diffPlane(
  family: Family,
  wish: PlaneWish,
  state: PlaneState,
  touched: Touched,
  { rewritten, pause }: DiffOptions,
): Promise<PlaneDifference> {
  const removed = new Map<string, Element[]>();
  const added = new Map<string, Element[]>();
  const change = {
    layouts: await diffDestinations({ wish, state, touched, removed, added }, pause),
    shared: diffShared(wish, state, touched, removed, added),
  };
  const rules = diffRules(family, wish, state, touched, rewritten);
  return {
    commands: [
      ...rules.before,
      ...elementCommands(family, 'delete-elements', removed),
      ...rules.written,
      ...elementCommands(family, 'add-elements', added),
      ...rules.behind,
    ],
    change: { ...change, chains: rules.chains, clients: rules.clients },
  };
}

type Collected = Map<string, Element[]>;

function put(elements: Collected, set: string, element: Element): void {
  const list = elements.get(set);
  if (list === undefined) elements.set(set, [element]);
  else list.push(element);
}

interface DiffJob {
  readonly wish: PlaneWish;
  readonly state: PlaneState;
  readonly touched: Touched;
  readonly removed: Collected;
  readonly added: Collected;
}

async function diffDestinations(
  { wish, state, touched, removed, added }: DiffJob,
  pause: Pause,
): Promise<Map<string, KnownLayout>> {
  const layouts = new Map<string, KnownLayout>();
  const sides = {
    remove: (set: string, element: Element) => put(removed, set, element),
    add: (set: string, element: Element) => put(added, set, element),
  };
  for (const text of touched.destinations) {
    const wanted = wish.destination(text);
    const known = state.layouts.get(text);
    const destination = wanted?.destination ?? known?.destination;
    if (destination === undefined) continue;
    const before = known?.layout ?? emptyLayout;
    const after = wanted === undefined ? emptyLayout : layOut(wanted, before);
    diffLayouts(destination, before, after, sides);
    layouts.set(text, { destination, layout: after });
    const resting = pause();
    if (resting !== null) await resting;
  }
  return layouts;
}

/** Gives back ends their slots, those that have one the same. */
function layOut(wish: DestinationWish, before: Layout): Layout {
  const place = placeOfDestination(wish.destination);
  const main = layOutLane(wish.main, before.main);
  const outside = layOutLane(wish.outside, before.outside);
  const sets = shareSet([...wish.sets, ...sizesOf(place, main), ...sizesOf(outsideLane(place), outside)]);
  return { sets, main, outside, sources: wish.sources };
}

/** Thousands of destinations are in the same few sets of sets: each is kept once. Bounded by being emptied. */
const sharedSets = new Map<string, ReadonlySet<string>>();
const mostShared = 1024;

function shareSet(names: readonly string[]): ReadonlySet<string> {
  const text = names.join(' ');
  const known = sharedSets.get(text);
  if (known !== undefined) return known;
  if (sharedSets.size >= mostShared) sharedSets.clear();
  const set = new Set(names);
  sharedSets.set(text, set);
  return set;
}

function layOutLane({ targets, sticky }: LaneWish, before: LaneLayout): LaneLayout {
  return targets.length === 0 && sticky === null ? emptyLane : { slots: arrangeSlots(before.slots, targets), sticky };
}

function sizesOf(lane: Lane, { slots }: LaneLayout): readonly string[] {
  return slots.length === 0 ? [] : [sizeSet(lane, sizeOf(slots.length))];
}

function diffShared(
  wish: PlaneWish,
  state: PlaneState,
  touched: Touched,
  removed: Collected,
  added: Collected,
): StateChange['shared'] {
  const shared = new Map<string, SharedElement | null>();
  for (const text of touched.shared) {
    const wanted = wish.shared(text);
    const found = state.shared.get(text);
    if (wanted !== undefined && found === undefined) put(added, wanted.set, wanted.element);
    if (wanted === undefined && found !== undefined) put(removed, found.set, found.element);
    shared.set(text, wanted ?? null);
  }
  return shared;
}

interface RuleDifference extends Pick<StateChange, 'chains' | 'clients'> {
  /** Room for what comes. */
  readonly before: readonly Command[];
  readonly written: readonly Command[];
  /** What nothing leads to any more. */
  readonly behind: readonly Command[];
}

function diffRules(family: Family, wish: PlaneWish, state: PlaneState, touched: Touched, rewritten: boolean): RuleDifference {
  const { family: tableFamily } = planeTable(family);
  const before: Command[] = [];
  const written: Command[] = [];
  const behind: Command[] = [];
  const chains = new Map<string, string | null>();
  const clients = new Map<string, boolean>();
  for (const name of touched.clients) {
    const wanted = wish.hasClients(name);
    if (wanted === state.clients.has(name)) continue;
    (wanted ? before : behind).push({ kind: wanted ? 'add-set' : 'delete-set', set: clientsSet(family, name) });
    clients.set(name, wanted);
  }
  const lost: Command[] = [];
  for (const name of touched.chains) {
    const rules = wish.chain(name);
    const text = rules === undefined ? null : rulesText(tableFamily, rules);
    const found = state.chains.get(name);
    if (text === (found ?? null) && !(rewritten && text !== null)) continue;
    if (found === undefined) before.push({ kind: 'add-chain', chain: { name, hook: null } });
    else if (!rewritten) before.push({ kind: 'flush-chain', chain: name });
    for (const statements of rules ?? []) written.push({ kind: 'add-rule', chain: name, rule: { statements } });
    if (rules === undefined) lost.push({ kind: 'delete-chain', chain: name });
    chains.set(name, text);
  }
  return { before, written, behind: [...lost, ...behind], chains, clients };
}

function elementCommands(family: Family, kind: 'add-elements' | 'delete-elements', elements: Collected): readonly Command[] {
  const sets = planeSets(family);
  return [...elements].map(([name, list]): Command => {
    const set = sets.get(name);
    if (set === undefined) throw new TypeError(`no set ${name} in ${family}`);
    return { kind, set, elements: list };
  });
}

import { isDeepStrictEqual } from 'node:util';
import { parseAddress, protocols } from '../model/mod.ts';
import type { Address, Family, Pause, Prefix, Protocol } from '../model/mod.ts';
import { destinationText, emptyLane } from './plane-layout.ts';
import type { Destination, Layout } from './plane-layout.ts';
import { sharedText } from './plane-plan.ts';
import { clientsSet, lanes, placeOf, planeSets, planeTable, slotMap, stickyMap } from './plane-sets.ts';
import type { Lane } from './plane-sets.ts';
import { PlaneState, rulesText } from './plane-state.ts';
import type { Target } from './plane-slots.ts';
import { isClientsSet, isStickyChain } from './plane-sticky.ts';
import type { ChainState, ElementState, TableState } from './port.ts';
import { prefixOfPart } from './side-cover.ts';
import { protocolOfNumber } from './side-sets.ts';
import type { Element, KeyPart, SetDefinition } from './transaction.ts';

/** What was found of the table, apart from what is ours by Service. */
export interface Findings {
  readonly exists: boolean;
  /** All chains but those of affinity. */
  readonly chains: ReadonlyMap<string, ChainState>;
  /** Sets that are foreign, or of another definition. */
  readonly badSets: readonly string[];
  /** Fixed sets that have to be made. */
  readonly missingSets: readonly SetDefinition[];
  /** Elements of our sets that say nothing we could have meant. */
  readonly strays: readonly { readonly set: SetDefinition; readonly element: Element }[];
}

/** What of a table can be taken over as it is, and what else is in it; null: there is no table. */
export async function readPlane(
  family: Family,
  table: TableState | null,
  pause: Pause,
): Promise<{ readonly state: PlaneState; readonly findings: Findings }> {
  const fixed = planeSets(family);
  const found = table?.sets ?? new Map<string, never>();
  const isGood = (set: SetDefinition): boolean => isDeepStrictEqual(found.get(set.name)?.set, set);
  const reader = new Reader();
  const strays: { set: SetDefinition; element: Element }[] = [];
  for (const set of fixed.values()) {
    if (!isGood(set)) continue;
    for (const element of found.get(set.name)?.elements ?? []) {
      if (!reader.take(set.name, element)) strays.push({ set, element: { key: element.key } });
      await pause();
    }
  }
  const state = reader.state();
  const chains = new Map<string, ChainState>();
  for (const [name, chain] of table?.chains ?? []) {
    if (isStickyChain(name) && chain.chain?.hook === null) state.chains.set(name, textOf(family, chain));
    else chains.set(name, chain);
    await pause();
  }
  for (const name of found.keys()) if (isClientsSet(name) && isGood(clientsSet(family, name))) state.clients.add(name);
  return {
    state,
    findings: {
      exists: table !== null,
      chains,
      badSets: [...found.keys()].filter((name) => !state.clients.has(name) && !isGood(fixed.get(name) ?? nobody)),
      missingSets: [...fixed.values()].filter((set) => !isGood(set)),
      strays,
    },
  };
}

/** No set has no name. */
const nobody: SetDefinition = { ...clientsSet('IPv4', ''), key: [] };

/** Rules that are not understood, or have a comment, are none of ours. */
function textOf(family: Family, { rules }: ChainState): string {
  const said = rules.flatMap(({ statements, comment }) => (statements === null || comment !== null ? [] : [statements]));
  return said.length === rules.length ? rulesText(planeTable(family).family, said) : '?';
}

/** The destination that an element of one of our sets speaks of, as `destinationText` has it; null where it speaks of none. */
export function destinationOfElement(set: string, element: Element): string | null {
  const reader = new Reader();
  reader.take(set, element);
  const [text = null] = reader.state().layouts.keys();
  return text;
}

interface Draft {
  readonly destination: Destination;
  readonly sets: Set<string>;
  readonly slots: Readonly<Record<'main' | 'outside', (Target | undefined)[]>>;
  readonly sticky: Record<'main' | 'outside', string | null>;
  readonly sources: Prefix[];
}

const sharedSets: ReadonlySet<string> = new Set([
  'cluster_ips',
  'external_ips',
  'closed_ips',
  'node_port_addresses',
  'hairpin',
  'zero',
]);
const laneOfSticky = new Map(lanes.map((lane) => [stickyMap(lane), lane]));
const slotsOf = new Map(
  lanes.flatMap((lane) => protocols.map((protocol) => [slotMap(lane, protocol), { lane, protocol }] as const)),
);

/** Gathers elements by destination. */
class Reader {
  readonly #drafts = new Map<string, Draft>();
  readonly #state = new PlaneState();

  /** False for an element that is none of ours. */
  take(set: string, { key, value, comment }: ElementState): boolean {
    if (comment !== undefined) return false;
    if (sharedSets.has(set)) {
      const one = { set, element: { key } };
      this.#state.shared.set(sharedText(one), one);
      return true;
    }
    const slot = slotsOf.get(set);
    if (slot !== undefined) return this.#takeSlot(slot.lane, slot.protocol, key, value);
    const draft = this.#draftOf(set === 'sources' ? key.slice(0, 3) : key);
    if (draft === null) return false;
    const lane = laneOfSticky.get(set);
    if (lane !== undefined) {
      if (value === undefined || !('kind' in value) || value.kind !== 'goto') return false;
      draft.sticky[sideOf(lane)] = value.chain;
    } else if (set === 'sources') {
      const prefix = prefixOfPart(key[3]);
      if (prefix === null) return false;
      draft.sources.push(prefix);
    } else draft.sets.add(set);
    return true;
  }

  state(): PlaneState {
    for (const [text, { destination, sets, slots, sticky, sources }] of this.#drafts) {
      const lane = (side: 'main' | 'outside'): Layout['main'] =>
        slots[side].length === 0 && sticky[side] === null ? emptyLane : { slots: slots[side], sticky: sticky[side] };
      const layout: Layout = { sets, main: lane('main'), outside: lane('outside'), sources };
      this.#state.layouts.set(text, { destination, layout });
    }
    return this.#state;
  }

  #takeSlot(lane: Lane, protocol: Protocol, key: readonly KeyPart[], value: ElementState['value']): boolean {
    const [index, port, address = null] = key.toReversed();
    const destination = readDestination([...(address === null ? [] : [address]), protocol, port ?? '']);
    if (destination === null || typeof index !== 'number' || value === undefined || 'kind' in value) return false;
    const to = readAddress(value[0]);
    // A hole beyond any pool is not ours, and would be long to look through.
    if (to === null || index > maxIndex) return false;
    const { slots } = this.#draft(destination);
    slots[sideOf(lane)][index] = { address: to, port: Number(value[1]) };
    return true;
  }

  #draftOf(key: readonly KeyPart[]): Draft | null {
    const numbers = key.length === 3 ? key : [null, ...key];
    const protocol = protocolOfNumber(numbers[1]);
    if (protocol === null) return null;
    const destination = readDestination([...(key.length === 3 ? [key[0] ?? ''] : []), protocol, numbers[2] ?? '']);
    return destination === null ? null : this.#draft(destination);
  }

  #draft(destination: Destination): Draft {
    const text = destinationText(destination);
    let draft = this.#drafts.get(text);
    if (draft === undefined) {
      const slots = { main: [], outside: [] };
      draft = { destination, sets: new Set(), slots, sticky: { main: null, outside: null }, sources: [] };
      this.#drafts.set(text, draft);
    }
    return draft;
  }
}

const maxIndex = 1_000_000;

function sideOf(lane: Lane): 'main' | 'outside' {
  return lane === placeOf(lane) ? 'main' : 'outside';
}

/** Address if there is one, protocol, port. */
function readDestination(parts: readonly (KeyPart | Protocol)[]): Destination | null {
  const [port, protocol, address = null] = parts.toReversed();
  if (typeof port !== 'number' || typeof protocol !== 'string') return null;
  const parsed = address === null ? null : readAddress(address);
  if (parsed === null && address !== null) return null;
  return { address: parsed, protocol: protocol as Protocol, port };
}

/** Both drivers give IPv4 addresses in canonical text, and there are very many. */
function readAddress(part: KeyPart | undefined): Address | null {
  if (typeof part !== 'string') return null;
  return part.includes(':') ? parseAddress(part) : (part as Address);
}

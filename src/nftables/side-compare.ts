import { isDeepStrictEqual } from 'node:util';
import type { Family, Pause } from '../model/mod.ts';
import type { ChainState, SetState, TableState } from './port.ts';
import { rulesEqual } from './rule-equal.ts';
import type { SideChain } from './side-context.ts';
import { SideDelta } from './side-delta.ts';
import type { Slot } from './side-delta.ts';
import { SideMemory } from './side-memory.ts';
import { readEntries, readNodePortAddresses } from './side-read.ts';
import { clientsMap, fixedSets, sideTable } from './side-sets.ts';
import type { Element, SetDefinition } from './transaction.ts';

/** Chains and sets as found in the kernel; elements that are not as the entries want them. */
export interface Findings {
  readonly chains: ReadonlyMap<string, ChainState>;
  /** Sets that are foreign, or of another definition. */
  readonly badSets: readonly SetDefinition[];
  /** Sets that have to be made. */
  readonly missingSets: readonly SetDefinition[];
  readonly slots: readonly (readonly [set: string, slot: Slot])[];
}

/** What of a table can be understood as entries, and what else was found; null: there is no table. */
export async function compareTable(
  family: Family,
  table: TableState | null,
  pause: Pause,
): Promise<{ readonly memory: SideMemory; readonly findings: Findings }> {
  const fixed = fixedSets(family);
  const sets = table?.sets ?? new Map<string, SetState>();
  const isGood = (set: SetDefinition): boolean => isDeepStrictEqual(sets.get(set.name)?.set, set);
  const elements = new Map<string, readonly Element[]>();
  for (const set of fixed.values()) elements.set(set.name, isGood(set) ? (sets.get(set.name)?.elements ?? []) : []);

  const listed = { family, of: (set: string) => elements.get(set) ?? [] };
  const memory = new SideMemory();
  const expected = new SideDelta();
  for (const entry of readEntries(listed)) {
    memory.set(entry, expected);
    await pause();
  }
  memory.setNodePortAddresses(readNodePortAddresses(listed), expected);

  const wanted = new Map(fixed);
  for (const { group } of memory.stickyEntries()) {
    const clients = clientsMap(family, group);
    wanted.set(clients.name, clients);
  }
  const bad = [...sets].filter(([name, { set }]) => set === null || !isDeepStrictEqual(set, wanted.get(name)));
  return {
    memory,
    findings: {
      chains: table?.chains ?? new Map(),
      badSets: bad.map(([name, { set }]) => set ?? nameOnly(name)),
      missingSets: [...wanted.values()].filter((set) => !isGood(set)),
      slots: await compareElements(elements, expected, pause),
    },
  };
}

/** True if the kernel has just these chains, and each says what it should. */
export async function sameChains(
  family: Family,
  found: ReadonlyMap<string, ChainState>,
  wanted: readonly SideChain[],
  pause: Pause,
): Promise<boolean> {
  if (found.size !== wanted.length) return false;
  for (const chain of wanted) {
    if (!sameChain(family, found.get(chain.name), chain)) return false;
    await pause();
  }
  return true;
}

/** True for a chain that can stay, whatever its rules are. */
export function sameHook(found: ChainState | undefined, wanted: SideChain | undefined): boolean {
  return found?.chain !== undefined && found.chain !== null && isDeepStrictEqual(found.chain.hook, wanted?.hook);
}

function sameChain(family: Family, found: ChainState | undefined, wanted: SideChain): boolean {
  const table = sideTable(family).family;
  if (!sameHook(found, wanted) || found?.rules.length !== wanted.rules.length) return false;
  return found.rules.every((rule, index) => rulesEqual(table, { statements: wanted.rules[index] ?? [] }, rule));
}

async function compareElements(
  elements: ReadonlyMap<string, readonly Element[]>,
  expected: SideDelta,
  pause: Pause,
): Promise<readonly (readonly [string, Slot])[]> {
  const differences = new SideDelta();
  for (const [set, listed] of elements) {
    for (const element of listed) {
      differences.correct(set, { before: plain(element), after: undefined });
      await pause();
    }
  }
  for (const [set, { after }] of expected.slots()) {
    if (after !== undefined) differences.put({ set, element: after });
    await pause();
  }
  const found: (readonly [string, Slot])[] = [];
  for (const [set, slot, differs] of differences.slots()) {
    if (differs) found.push([set, slot]);
    await pause();
  }
  return found;
}

/** Without what the kernel adds of its own. */
function plain({ key, value, comment }: Element): Element {
  return { key, ...(value === undefined ? {} : { value }), ...(comment === undefined ? {} : { comment }) };
}

function nameOnly(name: string): SetDefinition {
  return {
    name,
    key: [],
    value: null,
    interval: false,
    dynamic: false,
    timeout: false,
    timeoutSeconds: null,
    constant: false,
    size: null,
    comment: null,
  };
}

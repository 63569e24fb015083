import type { Family, SideSettings } from '../model/mod.ts';
import { planFixedChains } from './side-chains.ts';
import { addChain, addRules } from './side-context.ts';
import type { SideChain } from './side-context.ts';
import { sameHook } from './side-compare.ts';
import type { Findings } from './side-compare.ts';
import type { SideDelta } from './side-delta.ts';
import { planStickyChain } from './side-group-chains.ts';
import type { SideMemory } from './side-memory.ts';
import { clientsMap, clientsMapName, fixedSets, stickyChainName } from './side-sets.ts';
import { planSharedChain } from './side-shared-chains.ts';
import type { Command, SetDefinition } from './transaction.ts';

/** Everything of a family's table that is to be there when a change is done. */
export interface SidePlan {
  readonly family: Family;
  readonly settings: SideSettings;
  readonly memory: SideMemory;
  readonly delta: SideDelta;
}

/** All chains as they should be. */
export function planChains({ family, settings, memory }: Omit<SidePlan, 'delta'>): readonly SideChain[] {
  return [
    ...planFixedChains(family, settings),
    ...[...memory.stickyEntries()].map((entry) => planStickyChain(family, entry)),
    ...memory.sharedChains().map((shared) => planSharedChain(family, settings, shared)),
  ];
}

/** The commands where rules and chains are as they should be but for the groups that the change touches. */
export function planChange(plan: SidePlan): readonly Command[] {
  const groups = planGroups(plan);
  return [
    ...groups.flush.map((chain): Command => ({ kind: 'flush-chain', chain })),
    ...planDeletions(plan.family, plan.delta),
    ...groups.removedSets.map((set): Command => ({ kind: 'delete-set', set })),
    ...groups.removedChains.map((chain): Command => ({ kind: 'delete-chain', chain })),
    ...groups.addedSets.map((set): Command => ({ kind: 'add-set', set })),
    ...groups.addedChains.map(addChain),
    ...groups.written.flatMap(addRules),
    ...planAdditions(plan.family, plan.delta),
  ];
}

/**
 * The commands that write all rules anew and remove what is not ours; sets, chains and elements that are right stay.
 * `findings` null: only the rules are not right.
 */
export function planRewrite(plan: SidePlan, findings: Findings | null): readonly Command[] {
  const chains = planChains(plan);
  const groups = planGroups(plan);
  const { badSets, missingSets, lostChains, missingChains } = findings === null ? nothing : planRepair(plan, chains, findings);
  const missing = new Set(missingSets.map(({ name }) => name));
  const removedSets = groups.removedSets.filter(({ name }) => findings === null || isThere(findings, name));
  const removedChains = groups.removedChains.filter((name) => findings === null || findings.chains.has(name));
  const addedSets = [...missingSets, ...groups.addedSets.filter(({ name }) => !missing.has(name))];
  return [
    { kind: 'add-table' },
    { kind: 'flush-table' },
    ...planDeletions(plan.family, plan.delta),
    ...[...badSets, ...removedSets].map((set): Command => ({ kind: 'delete-set', set })),
    ...[...new Set([...lostChains, ...removedChains])].map((chain): Command => ({ kind: 'delete-chain', chain })),
    ...addedSets.map((set): Command => ({ kind: 'add-set', set })),
    ...(findings === null ? groups.addedChains : missingChains).map(addChain),
    ...chains.flatMap(addRules),
    ...planAdditions(plan.family, plan.delta),
  ];
}

interface Repair {
  readonly badSets: readonly SetDefinition[];
  readonly missingSets: readonly SetDefinition[];
  readonly lostChains: readonly string[];
  readonly missingChains: readonly SideChain[];
}

const nothing: Repair = { badSets: [], missingSets: [], lostChains: [], missingChains: [] };

/** What has to go and to come, of what the change does not touch anyway. */
function planRepair({ family, memory }: SidePlan, chains: readonly SideChain[], findings: Findings): Repair {
  const wanted = new Map(chains.map((chain) => [chain.name, chain]));
  const fixed = fixedSets(family);
  const clients = new Set([...memory.stickyEntries()].map(({ group }) => clientsMapName(group)));
  return {
    badSets: findings.badSets,
    missingSets: findings.missingSets.filter(({ name }) => fixed.has(name) || clients.has(name)),
    lostChains: [...findings.chains].filter(([name, chain]) => !sameHook(chain, wanted.get(name))).map(([name]) => name),
    missingChains: chains.filter((chain) => !sameHook(findings.chains.get(chain.name), chain)),
  };
}

/** True for a set that was found and is not removed as bad. */
function isThere({ badSets, missingSets }: Findings, name: string): boolean {
  return ![...badSets, ...missingSets].some((set) => set.name === name);
}

/** How many elements, rules, chains and sets commands write or remove. */
export function countOperations(commands: readonly Command[]): number {
  return commands.reduce((sum, command) => sum + ('elements' in command ? command.elements.length : 1), 0);
}

interface GroupChanges {
  readonly flush: readonly string[];
  readonly removedSets: readonly SetDefinition[];
  readonly removedChains: readonly string[];
  readonly addedSets: readonly SetDefinition[];
  readonly addedChains: readonly SideChain[];
  readonly written: readonly SideChain[];
}

/** What sticky groups and shared chains that the change touched need besides elements. */
function planGroups({ family, settings, memory, delta }: SidePlan): GroupChanges {
  const flush: string[] = [];
  const removedSets: SetDefinition[] = [];
  const removedChains: string[] = [];
  const addedSets: SetDefinition[] = [];
  const addedChains: SideChain[] = [];
  const written: SideChain[] = [];
  for (const [group, before] of delta.groups) {
    const after = memory.stickyEntry(group);
    const name = stickyChainName(group);
    const chain = after === null ? null : planStickyChain(family, after);
    if (before === null && chain === null) continue;
    const rewritten = before?.timeoutSeconds !== after?.timeoutSeconds || before?.servers.length !== after?.servers.length;
    if (before !== null && rewritten) flush.push(name);
    if (chain !== null && rewritten) written.push(chain);
    if (before === null && chain !== null) {
      addedSets.push(clientsMap(family, group));
      addedChains.push(chain);
    }
    if (before !== null && after === null) {
      removedSets.push(clientsMap(family, group));
      removedChains.push(name);
    }
  }
  for (const [name, { chain: shared, before }] of delta.shared) {
    const after = memory.hasSharedChain(name);
    const chain = planSharedChain(family, settings, shared);
    if (before && !after) {
      flush.push(name);
      removedChains.push(name);
    }
    if (!before && after) {
      addedChains.push(chain);
      written.push(chain);
    }
  }
  return { flush, removedSets, removedChains, addedSets, addedChains, written };
}

function planDeletions(family: Family, delta: SideDelta): readonly Command[] {
  return planElements('delete-elements', family, delta);
}

function planAdditions(family: Family, delta: SideDelta): readonly Command[] {
  return planElements('add-elements', family, delta);
}

function planElements(kind: 'add-elements' | 'delete-elements', family: Family, delta: SideDelta): readonly Command[] {
  const sets = fixedSets(family);
  const commands: Command[] = [];
  for (const [name, slots] of delta.changes()) {
    const set = sets.get(name);
    const elements = slots.map((slot) => (kind === 'add-elements' ? slot.after : slot.before));
    const present = elements.filter((element) => element !== undefined);
    if (set === undefined) throw new TypeError(`no set ${name} in ${family}`);
    if (present.length > 0) commands.push({ kind, set, elements: present });
  }
  return commands;
}

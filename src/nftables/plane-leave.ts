import type { DataPlaneSettings, Family } from '../model/mod.ts';
import { planChains } from './plane-chains.ts';
import { clientsSet, planeSets } from './plane-sets.ts';
import { isClientsSet, isStickyChain } from './plane-sticky.ts';
import type { TableState } from './port.ts';
import type { Command, SetDefinition } from './transaction.ts';

/** Names of chains do not depend on settings. */
const anySettings: DataPlaneSettings = {
  podTraffic: { kind: 'none' },
  nodePorts: { kind: 'listed', addresses: [] },
  masqueradeBit: 14,
  nodeAddress: null,
};

/**
 * Takes ours out of the table that kube-proxy has, too: no name of the one is a name of the other. Empty: nothing of ours is
 * in it. Null: nothing but ours is.
 */
export function planLeaving(family: Family, table: TableState): readonly Command[] | null {
  const names = new Set(planChains({ family, settings: anySettings, serviceCidrs: [], strays: 'drop' }).map(({ name }) => name));
  const isOwnChain = (name: string): boolean => names.has(name) || isStickyChain(name);
  const fixed = planeSets(family);
  const ownSet = (name: string): SetDefinition | null =>
    fixed.get(name) ?? (isClientsSet(name) ? clientsSet(family, name) : null);
  const chains = [...table.chains.keys()];
  const sets = [...table.sets.keys()];
  if (chains.every(isOwnChain) && sets.every((name) => ownSet(name) !== null)) return null;
  const ownChains = chains.filter(isOwnChain);
  const ownSets = sets.map(ownSet).filter((set) => set !== null);
  return [
    ...ownChains.map((chain): Command => ({ kind: 'flush-chain', chain })),
    // Elements of verdict maps hold chains.
    ...ownSets.filter(({ value }) => value === 'verdict').map((set): Command => ({ kind: 'flush-set', set })),
    ...ownChains.map((chain): Command => ({ kind: 'delete-chain', chain })),
    ...ownSets.map((set): Command => ({ kind: 'delete-set', set })),
  ];
}

import { isDeepStrictEqual } from 'node:util';
import type { Pause } from '../model/mod.ts';
import { checkName } from './check-name.ts';
import { planChains } from './plane-chains.ts';
import type { PlaneContext } from './plane-chains.ts';
import type { Findings } from './plane-read.ts';
import { planeSets } from './plane-sets.ts';
import { sameChains, sameHook } from './side-compare.ts';
import { addChain, addRules } from './side-context.ts';
import type { Command } from './transaction.ts';

/** What has to become of the table before elements can be relied on. */
export type TableState = 'right' | 'rewrite' | 'replace';

/**
 * `rewrite`: rules, or chains and sets that are missing; what stands in our sets stays and serves. `replace`: there are sets
 * that are not ours, as in kube-proxy's own table of that name.
 */
export async function judgeTable(context: PlaneContext, findings: Findings, pause: Pause): Promise<TableState> {
  const { exists, chains, badSets, missingSets, strays } = findings;
  const wanted = planChains(context);
  const isOther = wanted.some((chain) => chains.has(chain.name) && !sameHook(chains.get(chain.name), chain));
  // A chain with a name that cannot be written can only go with the table.
  if (badSets.length > 0 || isOther || [...chains.keys()].some((name) => checkName(name) !== null)) return 'replace';
  if (!exists || missingSets.length > 0 || strays.length > 0) return 'rewrite';
  return (await sameChains(context.family, chains, wanted, pause)) ? 'right' : 'rewrite';
}

/** The commands that come before those for elements, and those that come behind them. */
export interface Rewrite {
  readonly before: readonly Command[];
  readonly behind: readonly Command[];
}

/** `findings` null: all chains and sets are there, only rules are to be otherwise. */
export function planRewrite(context: PlaneContext, findings: Findings | null, state: Exclude<TableState, 'right'>): Rewrite {
  const chains = planChains(context);
  const behind = chains.flatMap(addRules);
  if (state === 'replace') {
    const sets = [...planeSets(context.family).values()].map((set): Command => ({ kind: 'add-set', set }));
    return {
      before: [{ kind: 'delete-table' }, { kind: 'add-table' }, ...sets, ...chains.map(addChain)],
      behind,
    };
  }
  const names = new Set(chains.map(({ name }) => name));
  const found = findings?.chains ?? new Map(chains.map((chain) => [chain.name, null]));
  const lost = [...found.keys()].filter((name) => !names.has(name));
  return {
    before: [
      { kind: 'add-table' },
      { kind: 'flush-table' },
      ...(findings?.strays ?? []).map(({ set, element }): Command => ({ kind: 'delete-elements', set, elements: [element] })),
      ...lost.map((chain): Command => ({ kind: 'delete-chain', chain })),
      ...(findings?.missingSets ?? []).map((set): Command => ({ kind: 'add-set', set })),
      ...chains.filter(({ name }) => !found.has(name)).map(addChain),
    ],
    behind,
  };
}

/** Whether two contexts come to the same rules. */
export function sameRules({ settings: a }: PlaneContext, { settings: b }: PlaneContext): boolean {
  return (
    a.masqueradeBit === b.masqueradeBit && a.nodePorts.kind === b.nodePorts.kind && isDeepStrictEqual(a.podTraffic, b.podTraffic)
  );
}

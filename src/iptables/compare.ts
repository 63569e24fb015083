import { alignLists } from '../model/mod.ts';
import type { Difference, Family, Pause, ServiceKey } from '../model/mod.ts';
import { diffChain, diffShared, everyChain } from './diff.ts';
import type { KernelState } from './kernel-state.ts';
import type { Operation } from './operation.ts';
import type { RuleText, TableName } from './rule.ts';
import { splitChainKey } from './wish.ts';
import type { ChainKey, Wish } from './wish.ts';

export interface CompareOptions {
  readonly family: Family;
  /** Asked after each chain. */
  readonly pause: Pause;
}

/** Tells in single rules and chains, as `iptables-save` prints them, what an audit would put right. */
export async function compareRules(wish: Wish, state: KernelState, { family, pause }: CompareOptions): Promise<Difference[]> {
  const differences: Difference[] = [];
  const tell = (table: TableName): Teller => {
    const place = `${family === 'IPv4' ? 'iptables' : 'ip6tables'} ${table}`;
    return (service, held, wanted) => differences.push({ service, place, held, wanted });
  };
  for (const operation of diffShared(wish.shared, state)) tellShared(operation, tell(operation.table));
  for (const key of everyChain(wish, state.keys())) {
    if (diffChain(key, wish, state).length > 0) tellChain(key, wish, state, tell(splitChainKey(key).table));
    const resting = pause();
    if (resting !== null) await resting;
  }
  return differences;
}

/** `held`: names of the ipsets that are ours. */
export function compareSets(wish: Wish, held: readonly string[]): readonly Difference[] {
  const there = new Set(held);
  const sides = (name: string): Pick<Difference, 'held' | 'wanted'> => ({
    held: there.has(name) ? name : null,
    wanted: wish.hasSet(name) ? name : null,
  });
  return [...wish.sets.symmetricDifference(there)].map((name) => ({ service: null, place: 'ipset', ...sides(name) }));
}

type Teller = (service: ServiceKey | null, held: string | null, wanted: string | null) => void;

/** Of chains that others use as well nothing is ever removed. */
function tellShared(operation: Operation, tell: Teller): void {
  const { chain } = operation;
  if (operation.kind === 'write-chain') tell(null, null, chainText(chain));
  const rules = operation.kind === 'write-chain' ? operation.rules : 'rule' in operation ? [operation.rule] : [];
  for (const rule of rules) tell(null, null, ruleText(chain, rule));
}

function tellChain(key: ChainKey, wish: Wish, state: KernelState, tell: Teller): void {
  const { table, chain } = splitChainKey(key);
  const wished = wish.chain(table, chain);
  const held = state.rulesOf(table, chain);
  const wanted = wished?.rules ?? [];
  // A stranger's rule in a chain that is one Service's alone is that Service's trouble.
  const keeper = wished?.exclusive === true ? wished.ownerOf(0) : null;
  if (held === undefined) tell(keeper, null, chainText(chain));
  for (const pair of alignLists(held ?? [], wanted)) {
    const owner = pair.wanted === null ? keeper : (wished?.ownerOf(pair.wanted) ?? null);
    const textOf = (rules: readonly RuleText[], at: number | null): string | null =>
      at === null ? null : ruleText(chain, rules[at] ?? '');
    tell(owner, textOf(held ?? [], pair.held), textOf(wanted, pair.wanted));
  }
  if (wished === null) tell(null, chainText(chain), null);
}

function chainText(chain: string): string {
  return `:${chain} - [0:0]`;
}

function ruleText(chain: string, rule: RuleText): string {
  return rule === '' ? `-A ${chain}` : `-A ${chain} ${rule}`;
}

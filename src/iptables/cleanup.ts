import { ruleTarget } from './chain-facts.ts';
import { isBuiltIn } from './diff.ts';
import { isOwnChain, ownTables } from './names.ts';
import { findNeighbourRules } from './neighbour.ts';
import type { NeighbourRules } from './neighbour.ts';
import type { Operation, RulesetState, TableState } from './operation.ts';
import type { Batch } from './port.ts';
import type { RuleText, TableName } from './rule.ts';

/**
 * Everything of ours goes: the jumps in built-in chains and the chains. A chain that another program's
 * chain still jumps to stays, with whatever it needs; so does `KUBE-FIREWALL`, which kubelet shares. `beside`: a kube-proxy
 * works on this node, and what it has written stays too.
 */
export function planCleanup(
  ruleset: RulesetState,
  beside: boolean,
): { readonly batch: Batch; readonly removed: readonly string[] } {
  const removed: string[] = [];
  const neighbour = beside ? findNeighbourRules(ruleset) : null;
  const batch = ownTables.flatMap((table) => {
    const state = ruleset.get(table);
    const operations = state === undefined ? [] : cleanTable(table, state, neighbour);
    for (const one of operations) removed.push(describe(one));
    return operations.length === 0 ? [] : [{ table, operations }];
  });
  return { batch, removed };
}

function cleanTable(table: TableName, state: TableState, neighbour: NeighbourRules | null): Operation[] {
  const held = chainsInUse(state);
  const operations: Operation[] = [];
  for (const [chain, { rules }] of state.chains) {
    if (!isBuiltIn(chain)) continue;
    for (const rule of rules) {
      if (isOwnChain(targetOf(rule)) && neighbour?.keepsRule(table, rule) !== true)
        operations.push({ kind: 'delete-rule', table, chain, rule, owner: null });
    }
  }
  for (const chain of state.chains.keys()) {
    if (isOwnChain(chain) && !held.has(chain) && neighbour?.keepsChain(table, chain) !== true)
      operations.push({ kind: 'delete-chain', table, chain, owner: null });
  }
  return operations;
}

/** Own chains that can be reached from another program's chain. */
function chainsInUse(state: TableState): ReadonlySet<string> {
  const held = new Set<string>();
  const hold = (chain: string): void => {
    if (!isOwnChain(chain) || held.has(chain)) return;
    held.add(chain);
    for (const rule of state.chains.get(chain)?.rules ?? []) hold(targetOf(rule));
  };
  for (const [chain, { rules }] of state.chains) {
    if (!isBuiltIn(chain) && !isOwnChain(chain)) for (const rule of rules) hold(targetOf(rule));
  }
  return held;
}

/** The chain or target that a rule names, or the empty string. */
function targetOf(rule: RuleText): string {
  return ruleTarget(rule)?.name ?? '';
}

function describe(operation: Operation): string {
  const where = `${operation.table} ${operation.chain}`;
  return operation.kind === 'delete-rule' ? `rule in ${where}: ${operation.rule}` : `chain ${where}`;
}

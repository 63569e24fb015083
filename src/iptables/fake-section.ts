import { boundTargets, chainFacts, ruleTarget } from './chain-facts.ts';
import type { Hook } from './chain-facts.ts';
import { iptablesProblem } from './errors.ts';
import type { IptablesCode, IptablesProblem } from './errors.ts';
import type { ChainState, Operation, TableState } from './operation.ts';
import { builtInChains, canonicalRule } from './parse.ts';
import { planSection } from './restore-text.ts';
import type { RuleText, TableName } from './rule.ts';

export type SectionResult =
  | { readonly ok: true; readonly table: TableState }
  | { readonly ok: false; readonly problem: IptablesProblem; readonly operation: Operation | null };

type Chains = Map<string, ChainState>;
type Refusal = { readonly code: IptablesCode; readonly message: string };

/** What one section makes of a table, or why the tool or the kernel refuses all of it. */
export function applySection(name: TableName, table: TableState, operations: readonly Operation[]): SectionResult {
  const chains: Chains = new Map(table.chains);
  const { written, steps, deleted } = planSection(operations);
  for (const { chain } of written) chains.set(chain, { policy: null, rules: [] });
  const ordered: [Operation, (chains: Chains) => Refusal | null][] = [
    ...steps.map((step): [Operation, (chains: Chains) => Refusal | null] => [step, (all) => applyStep(all, name, step)]),
    ...deleted.map((one): [Operation, (chains: Chains) => Refusal | null] => [one, (all) => emptyChain(all, one.chain)]),
  ];
  for (const [operation, change] of ordered) {
    const refusal = change(chains);
    if (refusal !== null) return refuse(refusal, operation);
  }
  const removal = removeChains(chains, name, deleted);
  if (removal !== null) return removal;
  const problem = checkTable(name, chains);
  return problem === null ? { ok: true, table: { chains } } : refuse(problem, null);
}

function applyStep(chains: Chains, table: TableName, step: Exclude<Operation, { kind: 'delete-chain' }>): Refusal | null {
  const texts = (step.kind === 'write-chain' ? step.rules : [step.rule]).map(canonicalRule);
  const refusal = checkRules(chains, table, texts);
  if (refusal !== null) return refusal;
  const state = chains.get(step.chain);
  if (step.kind === 'delete-rule') return deleteRule(chains, step.chain, texts[0] ?? '');
  if (state === undefined) return noChain(step.chain);
  if (step.kind !== 'insert-rule') {
    chains.set(step.chain, { policy: state.policy, rules: [...state.rules, ...texts] });
    return null;
  }
  if (step.position < 1 || step.position > state.rules.length + 1) {
    return { code: 'WP_IPTABLES_NO_RULE', message: 'no rule at the place to insert at' };
  }
  chains.set(step.chain, { policy: state.policy, rules: state.rules.toSpliced(step.position - 1, 0, ...texts) });
  return null;
}

/** What the tool looks at before it sends anything: do the targets exist, is DROP kept out of nat. */
function checkRules(chains: Chains, table: TableName, texts: readonly RuleText[]): Refusal | null {
  for (const text of texts) {
    const target = ruleTarget(text);
    if (target?.chain === true && !chains.has(target.name)) return noChain(target.name);
    if (target?.name === 'DROP' && table === 'nat') {
      return { code: 'WP_IPTABLES_REFUSED', message: 'the nat table is not for filtering: no DROP' };
    }
  }
  return null;
}

function deleteRule(chains: Chains, chain: string, text: RuleText): Refusal | null {
  const state = chains.get(chain);
  const at = state?.rules.indexOf(text) ?? -1;
  if (state === undefined || at < 0) return { code: 'WP_IPTABLES_NO_RULE', message: 'the rule to delete does not exist' };
  chains.set(chain, { policy: state.policy, rules: state.rules.toSpliced(at, 1) });
  return null;
}

function emptyChain(chains: Chains, chain: string): Refusal | null {
  const state = chains.get(chain);
  if (state === undefined) return noChain(chain);
  chains.set(chain, { policy: state.policy, rules: [] });
  return null;
}

function removeChains(chains: Chains, table: TableName, deleted: readonly Operation[]): SectionResult | null {
  if (deleted.length === 0) return null;
  const used = new Set<string>();
  for (const state of chains.values()) for (const chain of chainFacts(state.rules).jumps) used.add(chain);
  for (const operation of deleted) {
    const { chain } = operation;
    if (used.has(chain))
      return refuse({ code: 'WP_IPTABLES_IN_USE', message: `the chain ${chain} is still jumped to` }, operation);
    if (builtInChains[table].includes(chain)) return refuse(noChain(chain), operation);
    chains.delete(chain);
  }
  return null;
}

/**
 * What the kernel looks at when a section is committed: no loop, and every target where it may stand. It
 * walks from the hooks, so chains that nothing reaches are not looked at, except for the table.
 */
function checkTable(table: TableName, chains: Chains): Refusal | null {
  for (const { rules } of chains.values()) {
    for (const target of chainFacts(rules).bound) {
      if (boundTargets[target].table !== table) {
        return { code: 'WP_IPTABLES_REFUSED', message: `${target} does not belong in table ${table}` };
      }
    }
  }
  for (const hook of builtInChains[table]) {
    const refusal = walk(chains, hook, hook as Hook, new Set(), new Set());
    if (refusal !== null) return refusal;
  }
  return null;
}

function walk(chains: Chains, chain: string, hook: Hook, above: Set<string>, done: Set<string>): Refusal | null {
  if (above.has(chain)) return { code: 'WP_IPTABLES_REFUSED', message: `chain ${chain} leads back to itself` };
  if (done.has(chain)) return null;
  const { jumps, bound } = chainFacts(chains.get(chain)?.rules ?? []);
  for (const target of bound) {
    if (!boundTargets[target].hooks.includes(hook)) {
      return { code: 'WP_IPTABLES_REFUSED', message: `${target} is not allowed below ${hook} (chain ${chain})` };
    }
  }
  above.add(chain);
  for (const jump of jumps) {
    const refusal = walk(chains, jump, hook, above, done);
    if (refusal !== null) return refusal;
  }
  above.delete(chain);
  done.add(chain);
  return null;
}

function noChain(chain: string): Refusal {
  return { code: 'WP_IPTABLES_NO_CHAIN', message: `the chain ${chain} does not exist` };
}

function refuse({ code, message }: Refusal, operation: Operation | null): SectionResult {
  return { ok: false, problem: iptablesProblem(code, message), operation };
}

import { foreignTargets } from './parse-options.ts';
import { parseRule } from './parse-rule.ts';
import { splitWords } from './parse-words.ts';
import type { RuleText, TableName } from './rule.ts';

/** The places in the kernel's packet path where tables stand. */
export type Hook = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING';

/** What the kernel checks about the rules of a chain besides their syntax. */
export interface ChainFacts {
  /** Chains jumped or gone to. */
  readonly jumps: ReadonlySet<string>;
  /** Targets that are allowed only in certain tables and hooks. */
  readonly bound: ReadonlySet<BoundTarget>;
}

export type BoundTarget = 'DNAT' | 'MASQUERADE' | 'REJECT';

/** Where those targets are allowed (the `table` and `hooks` of their kernel modules). */
export const boundTargets: Readonly<Record<BoundTarget, { readonly table: TableName; readonly hooks: readonly Hook[] }>> = {
  DNAT: { table: 'nat', hooks: ['PREROUTING', 'OUTPUT'] },
  MASQUERADE: { table: 'nat', hooks: ['POSTROUTING'] },
  REJECT: { table: 'filter', hooks: ['INPUT', 'FORWARD', 'OUTPUT'] },
};

/** The facts about one chain's rules; remembered as long as that very list lives. */
export function chainFacts(rules: readonly RuleText[]): ChainFacts {
  const known = remembered.get(rules);
  if (known !== undefined) return known;
  const jumps = new Set<string>();
  const bound = new Set<BoundTarget>();
  for (const rule of rules) {
    const target = ruleTarget(rule);
    if (target === null) continue;
    if (target.chain) jumps.add(target.name);
    else if (Object.hasOwn(boundTargets, target.name)) bound.add(target.name as BoundTarget);
  }
  const facts = { jumps, bound };
  remembered.set(rules, facts);
  return facts;
}

const remembered = new WeakMap<readonly RuleText[], ChainFacts>();

/** The name after `-j` or `-g`, and whether that is a chain; null for a rule without a target. */
export function ruleTarget(text: RuleText): { readonly name: string; readonly chain: boolean } | null {
  const parsed = parseRule(text);
  if (parsed.ok) {
    const { target } = parsed.rule;
    if (target === null) return null;
    if (target.kind === 'jump' || target.kind === 'goto') return { name: target.chain, chain: true };
    return { name: target.kind.toUpperCase(), chain: false };
  }
  const words = splitWords(text) ?? [];
  const at = words.findLastIndex((word, index) => jumpOptions.has(word) && words[index - 1] !== '--comment');
  const name = words[at + 1];
  if (at < 0 || name === undefined) return null;
  return { name, chain: !foreignTargets.has(name) && !standardTargets.has(name) };
}

const jumpOptions: ReadonlySet<string> = new Set(['-j', '--jump', '-g', '--goto']);
const standardTargets: ReadonlySet<string> = new Set(['ACCEPT', 'DROP', 'RETURN', 'REJECT', 'MARK', 'DNAT', 'MASQUERADE']);

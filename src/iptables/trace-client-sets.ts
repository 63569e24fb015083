import type { RulesetState } from './operation.ts';

/** The names of `recent` lists that rules ask, and whether any asks an ipset. */
export function listClientSets(rulesets: readonly RulesetState[]): {
  readonly usesSets: boolean;
  readonly lists: readonly string[];
} {
  let usesSets = false;
  const lists = new Set<string>();
  for (const ruleset of rulesets) {
    for (const { chains } of ruleset.values()) {
      for (const { rules } of chains.values()) {
        for (const rule of rules) {
          usesSets ||= rule.includes('--match-set ');
          const list = rule.includes('-m recent ') ? / --name (\S+)/.exec(rule)?.[1] : undefined;
          if (list !== undefined) lists.add(list);
        }
      }
    }
  }
  return { usesSets, lists: [...lists] };
}

/** Single addresses in the sets that `ipset save` prints, by set. */
export function parseSetMembers(text: string): ReadonlyMap<string, ReadonlySet<string>> {
  const sets = new Map<string, Set<string>>();
  for (const line of text.split('\n')) {
    const [word, name, member] = line.split(' ');
    if (name === undefined) continue;
    if (word === 'create') sets.set(name, new Set());
    else if (word === 'add' && member !== undefined) sets.get(name)?.add(member);
  }
  return sets;
}

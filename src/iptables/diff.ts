import type { ServiceKey } from '../model/mod.ts';
import { ruleTarget } from './chain-facts.ts';
import { chainNames, isOwnChain, ownTables } from './names.ts';
import type { Operation } from './operation.ts';
import type { SharedRule } from './plan-base.ts';
import { renderRule } from './render.ts';
import type { RuleText, TableName } from './rule.ts';
import { chainKey, splitChainKey } from './wish.ts';
import type { ChainKey, Wish, WishedChain } from './wish.ts';

/** The remembered rules of the kernel, chain by chain. */
export interface Remembered {
  rulesOf(table: TableName, chain: string): readonly RuleText[] | undefined;
}

/** Operations that bring one chain from what the kernel holds to the wish; none if it is right. */
export function diffChain(key: ChainKey, wish: Wish, state: Remembered): Operation[] {
  const { table, chain } = splitChainKey(key);
  const wished = wish.chain(table, chain);
  const held = state.rulesOf(table, chain);
  if (wished === null) return held === undefined ? [] : [{ kind: 'delete-chain', table, chain, owner: null }];
  if (held === undefined) return [writeChain(table, chain, wished)];
  if (sameRules(wished.rules, held)) return [];
  // The nft tools load every chain before a single insertion or deletion, and nothing before a rewrite; a
  // chain that is one Service's alone has no neighbour's counters to lose.
  const edits = wished.exclusive ? null : editChain(table, chain, wished, held);
  return edits ?? [writeChain(table, chain, wished)];
}

/** Every chain that is ours by wish or by name. */
export function* everyChain(wish: Wish, heldChains: Iterable<ChainKey>): Generator<ChainKey> {
  const wished = new Set<ChainKey>();
  for (const key of wish.keys()) {
    wished.add(key);
    yield key;
  }
  for (const key of heldChains) {
    const { table, chain } = splitChainKey(key);
    if (!wished.has(key) && ownTables.includes(table) && isOwnChain(chain)) yield key;
  }
}

/**
 * Rules that are missing from chains we share. They go in one behind the other at the top of a built-in
 * chain, and to the end of a chain that another program fills.
 */
export function diffShared(shared: readonly SharedRule[], state: Remembered): Operation[] {
  const operations: Operation[] = [];
  const copies = new Map<ChainKey, RuleText[]>();
  const previous = new Map<ChainKey, RuleText>();
  for (const { table, chain, rule } of shared) {
    const key = chainKey(table, chain);
    const held = copies.get(key) ?? [...(state.rulesOf(table, chain) ?? [])];
    copies.set(key, held);
    if (!held.includes(rule)) {
      if (isBuiltIn(chain)) {
        const before = previous.get(key);
        const index = before === undefined ? 0 : held.indexOf(before) + 1;
        held.splice(index, 0, rule);
        operations.push({ kind: 'insert-rule', table, chain, position: index + 1, rule, owner: null });
      } else if (state.rulesOf(table, chain) === undefined) {
        operations.push({ kind: 'write-chain', table, chain, rules: [rule], owner: null });
      } else {
        operations.push({ kind: 'append-rule', table, chain, rule, owner: null });
      }
    }
    previous.set(key, rule);
  }
  return operations;
}

const builtInChains = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'] as const;

/** Built-in chains have no prefix and cannot be created. */
export function isBuiltIn(chain: string): boolean {
  return (builtInChains as readonly string[]).includes(chain);
}

/**
 * Jumps of a predecessor that has other chains than we: to those that go with this pass, which the kernel would not let go
 * otherwise, and kube-proxy's of ipvs mode to a chain that we keep, which would show it packets of established connections.
 */
export function diffJumps(wish: Wish, state: Remembered): Operation[] {
  const goes = (table: TableName, rule: RuleText): boolean => {
    const target = ruleTarget(rule);
    if (target === null || !target.chain || !isOwnChain(target.name)) return false;
    return wish.chain(table, target.name) === null || rule === ipvsModeFirewallJump;
  };
  return ownTables.flatMap((table) =>
    builtInChains.flatMap((chain) =>
      (state.rulesOf(table, chain) ?? [])
        .filter((rule) => goes(table, rule))
        .map((rule): Operation => ({ kind: 'delete-rule', table, chain, rule, owner: null })),
    ),
  );
}

const ipvsModeFirewallJump = renderRule({
  matches: [{ kind: 'comment', text: 'kube-proxy firewall rules' }],
  target: { kind: 'jump', chain: chainNames.firewall },
});

/**
 * The sections of one restore. Refusals (filter) and translations (nat) are separate transactions, so a
 * refusal is added before a translation goes and removed after a translation came: no packet slips
 * between them and leaves the node untranslated.
 */
export function arrangeSections(
  operations: readonly Operation[],
  state: Remembered,
): { readonly table: TableName; readonly operations: readonly Operation[] }[] {
  const isNew = (one: Operation): boolean => one.kind === 'write-chain' && state.rulesOf(one.table, one.chain) === undefined;
  const adds = (one: Operation): boolean => one.kind === 'insert-rule' || one.kind === 'append-rule' || isNew(one);
  const filter = operations.filter((one) => one.table === 'filter');
  const sections: { table: TableName; operations: readonly Operation[] }[] = [
    { table: 'filter', operations: filter.filter((one) => adds(one)) },
    ...ownTables
      .filter((table) => table !== 'filter')
      .map((table) => ({ table, operations: operations.filter((one) => one.table === table) })),
    { table: 'filter', operations: filter.filter((one) => !adds(one)) },
  ];
  return sections.filter((section) => section.operations.length > 0);
}

function writeChain(table: TableName, chain: string, wished: WishedChain): Operation {
  return { kind: 'write-chain', table, chain, rules: wished.rules, owner: soleOwner(wished) };
}

/** The Service all rules of a chain stand for, or null if there are several or none. */
function soleOwner(wished: WishedChain): ServiceKey | null {
  const first = wished.rules.length === 0 ? null : wished.ownerOf(0);
  return wished.exclusive || wished.rules.every((_, index) => wished.ownerOf(index) === first) ? first : null;
}

/**
 * Single insertions, then single deletions, so that rules which stay keep their counters. Null where rewriting is shorter, or where rules that stay would have to change places.
 */
function editChain(table: TableName, chain: string, wished: WishedChain, held: readonly RuleText[]): Operation[] | null {
  const positions = new Map(held.map((rule, index) => [rule, index]));
  const wanted = new Set(wished.rules);
  if (positions.size < held.length || wanted.size < wished.rules.length) return null;
  const inserts: Operation[] = [];
  let after = 0;
  for (const [index, rule] of wished.rules.entries()) {
    const at = positions.get(rule);
    if (at === undefined) {
      const position = after + inserts.length + 1;
      inserts.push({ kind: 'insert-rule', table, chain, position, rule, owner: wished.ownerOf(index) });
    } else {
      if (at < after) return null;
      after = at + 1;
    }
  }
  const deletes = held
    .filter((rule) => !wanted.has(rule))
    .map((rule): Operation => ({ kind: 'delete-rule', table, chain, rule, owner: null }));
  return (inserts.length + deletes.length) * 2 > wished.rules.length + 2 ? null : [...inserts, ...deletes];
}

function sameRules(a: readonly RuleText[], b: readonly RuleText[]): boolean {
  return a.length === b.length && a.every((rule, index) => rule === b[index]);
}

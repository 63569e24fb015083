import type { Operation, RulesetState } from './operation.ts';
import type { Remembered } from './diff.ts';
import { isOwnChain } from './names.ts';
import type { RuleText, TableName } from './rule.ts';
import { chainKey, splitChainKey } from './wish.ts';
import type { ChainKey } from './wish.ts';

/** What is remembered of the kernel: as read, then moved along with every operation it accepted. */
export class KernelState implements Remembered {
  readonly #chains = new Map<ChainKey, readonly RuleText[]>();
  /** Rules in chains that are ours. */
  readonly #counts = new Map<TableName, number>();

  constructor(ruleset: RulesetState) {
    for (const [table, { chains }] of ruleset) {
      for (const [chain, { rules }] of chains) this.#set(chainKey(table, chain), table, chain, rules);
    }
  }

  /** Takes over what another state knows of these chains. */
  adopt(keys: Iterable<ChainKey>, from: KernelState): void {
    for (const key of keys) {
      const { table, chain } = splitChainKey(key);
      this.#set(key, table, chain, from.#chains.get(key));
    }
  }

  rulesOf(table: TableName, chain: string): readonly RuleText[] | undefined {
    return this.#chains.get(chainKey(table, chain));
  }

  keys(): Iterable<ChainKey> {
    return this.#chains.keys();
  }

  /** Rules of a table in chains that are ours. */
  countRules(table: TableName): number {
    return this.#counts.get(table) ?? 0;
  }

  /** Follows an operation that the kernel accepted. Returns how many rules it wrote. */
  follow(operation: Operation): number {
    const key = chainKey(operation.table, operation.chain);
    const before = this.#chains.get(key)?.length ?? 0;
    this.#move(operation, key);
    this.#count(operation.table, operation.chain, (this.#chains.get(key)?.length ?? 0) - before);
    if (operation.kind === 'write-chain') return operation.rules.length;
    return operation.kind === 'append-rule' || operation.kind === 'insert-rule' ? 1 : 0;
  }

  #set(key: ChainKey, table: TableName, chain: string, rules: readonly RuleText[] | undefined): void {
    this.#count(table, chain, (rules?.length ?? 0) - (this.#chains.get(key)?.length ?? 0));
    if (rules === undefined) this.#chains.delete(key);
    else this.#chains.set(key, rules);
  }

  #count(table: TableName, chain: string, difference: number): void {
    if (isOwnChain(chain)) this.#counts.set(table, this.countRules(table) + difference);
  }

  #move(operation: Operation, key: ChainKey): void {
    const rules = this.#chains.get(key) ?? [];
    switch (operation.kind) {
      case 'write-chain':
        this.#chains.set(key, operation.rules);
        return;
      case 'append-rule':
        this.#chains.set(key, [...rules, operation.rule]);
        return;
      case 'insert-rule':
        this.#chains.set(key, rules.toSpliced(operation.position - 1, 0, operation.rule));
        return;
      case 'delete-rule':
        this.#chains.set(key, rules.toSpliced(rules.indexOf(operation.rule), 1));
        return;
      case 'delete-chain':
        this.#chains.delete(key);
    }
  }
}

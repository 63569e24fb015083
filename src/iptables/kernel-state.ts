import type { Operation, RulesetState } from './operation.ts';
import type { Remembered } from './diff.ts';
import type { RuleText, TableName } from './rule.ts';
import { chainKey } from './wish.ts';
import type { ChainKey } from './wish.ts';

/** What is remembered of the kernel: as read, then moved along with every operation it accepted. */
export class KernelState implements Remembered {
  readonly #chains = new Map<ChainKey, readonly RuleText[]>();

  constructor(ruleset: RulesetState) {
    for (const [table, { chains }] of ruleset) {
      for (const [chain, { rules }] of chains) this.#chains.set(chainKey(table, chain), rules);
    }
  }

  rulesOf(table: TableName, chain: string): readonly RuleText[] | undefined {
    return this.#chains.get(chainKey(table, chain));
  }

  keys(): Iterable<ChainKey> {
    return this.#chains.keys();
  }

  /** Follows an operation that the kernel accepted. */
  follow(operation: Operation): void {
    const key = chainKey(operation.table, operation.chain);
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

import type { ServiceKey } from '../model/mod.ts';
import type { RuleText, TableName } from './rule.ts';

/** One change of the kernel's rules. Within a table all operations of one restore are atomic. */
export type Operation =
  /** Creates the chain, or empties it, and appends the rules. Never a built-in chain. */
  | {
      readonly kind: 'write-chain';
      readonly table: TableName;
      readonly chain: string;
      readonly rules: readonly RuleText[];
      readonly owner: ServiceKey | null;
    }
  /** At the end of a chain. */
  | {
      readonly kind: 'append-rule';
      readonly table: TableName;
      readonly chain: string;
      readonly rule: RuleText;
      readonly owner: ServiceKey | null;
    }
  /** Before the rule that stands at `position`, counted from 1 when the operation's turn comes. */
  | {
      readonly kind: 'insert-rule';
      readonly table: TableName;
      readonly chain: string;
      readonly position: number;
      readonly rule: RuleText;
      readonly owner: ServiceKey | null;
    }
  /** The first rule with this text. */
  | {
      readonly kind: 'delete-rule';
      readonly table: TableName;
      readonly chain: string;
      readonly rule: RuleText;
      readonly owner: ServiceKey | null;
    }
  /** Empties and removes a chain nothing refers to any more. */
  | { readonly kind: 'delete-chain'; readonly table: TableName; readonly chain: string; readonly owner: ServiceKey | null };

/**
 * What a table holds: chains in the kernel's order, each with its policy (null for a user-defined
 * chain) and its rules.
 */
export interface TableState {
  readonly chains: ReadonlyMap<string, ChainState>;
}

export interface ChainState {
  readonly policy: 'ACCEPT' | 'DROP' | null;
  readonly rules: readonly RuleText[];
}

export type RulesetState = ReadonlyMap<TableName, TableState>;

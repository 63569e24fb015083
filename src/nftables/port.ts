import type { Outcome, Problem } from '../model/mod.ts';
import type { Statement } from './expression.ts';
import type { Chain, Element, SetDefinition, TableFamily, TableName, Transaction } from './transaction.ts';

/**
 * Codes: `WP_NFT_EXISTS` (there, but different; of intervals: overlaps with one), `WP_NFT_MISSING`, `WP_NFT_INVALID`, `WP_NFT_DENIED` (no right to),
 * `WP_NFT_BUSY` (in use), `WP_NFT_FULL` (the set takes no more), `WP_NFT_NO_KERNEL`
 * (the kernel lacks a part), `WP_NFT_STALE` (the rules are not those of the generation that was given), `WP_NFT_TOOL` (the tool is missing or was killed), `WP_NFT_UNREADABLE` (an answer that is
 * not understood), `WP_NFT_REFUSED` (anything else), and those of the netlink room where its socket fails.
 */
export interface NftProblem extends Problem {
  /** Index in the transaction's commands, where the kernel said which one it was. */
  readonly command: number | null;
}

export interface ApplyReport {
  /** Null: all of it is in the kernel. Otherwise nothing of it is, or what became of it is unknown. */
  readonly problem: NftProblem | null;
  /** Size of what was sent. */
  readonly bytes: number;
  /** Netlink messages, or lines of text. */
  readonly messages: number;
}

export interface RuleState {
  readonly handle: number;
  /** What the rule says; null where it says something outside our vocabulary, and so is not one of ours. */
  readonly statements: readonly Statement[] | null;
  readonly comment: string | null;
}

export interface ChainState {
  /** Null for a base chain of another kind: another family's hook, a policy that drops. */
  readonly chain: Chain | null;
  readonly rules: readonly RuleState[];
}

export interface ElementState extends Element {
  /** Until it goes away. */
  readonly expiresSeconds?: number;
}

export interface SetState {
  /** Null where the types of the set are none of ours; its elements are then not listed. */
  readonly set: SetDefinition | null;
  readonly elements: readonly ElementState[];
}

/** A whole table by names. */
export interface TableState extends TableName {
  readonly chains: ReadonlyMap<string, ChainState>;
  readonly sets: ReadonlyMap<string, SetState>;
}

/** The packet filter nf_tables in one network namespace. Calls are never concurrent. */
export interface NftPort {
  /**
   * All or nothing. An empty transaction does nothing. With a generation only if it is the present one; drivers that know no
   * generation take none.
   */
  apply(transaction: Transaction, generation?: number): Promise<ApplyReport>;
  /**
   * How often anything of nf_tables has been changed in the network namespace, whoever did it: one more with every transaction
   * that changes something. Absent where the driver cannot tell.
   */
  generation?(): Promise<Outcome<number>>;
  /** Reads one table and lists nothing else; null where there is none. */
  readTable(family: TableFamily, name: string): Promise<Outcome<TableState | null>>;
  close(): Promise<void>;
}

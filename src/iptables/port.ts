import type { Family, Outcome, Problem, ServiceKey } from '../model/mod.ts';
import type { Operation, RulesetState } from './operation.ts';
import type { TableName } from './rule.ts';

/** The operations of one restore: each inner list is one table's atomic section, sent in this order. */
export type Batch = readonly { readonly table: TableName; readonly operations: readonly Operation[] }[];

/**
 * Failure of a batch. Sections before `section` are in the kernel, that one and all later ones are not.
 * `operation` is the offending one where the tool named its line.
 */
export interface BatchFailure {
  readonly problem: Problem;
  readonly section: number;
  readonly operation: Operation | null;
}

/** The kernel's iptables of one family, in one network namespace. */
export interface IptablesPort {
  readonly family: Family;
  /** Reads whole tables, foreign chains and rules included. */
  save(tables: readonly TableName[]): Promise<Outcome<RulesetState>>;
  /** Applies a batch without touching what it does not name (`--noflush`). `bytes` is the size of the input. */
  restore(batch: Batch): Promise<{ readonly bytes: number; readonly failure: BatchFailure | null }>;
  /** Ends helpers and waits for them. */
  close(): Promise<void>;
}

/** The Service a failed operation belongs to, if it belongs to one. */
export function ownerOf(failure: BatchFailure): ServiceKey | null {
  return failure.operation?.owner ?? null;
}

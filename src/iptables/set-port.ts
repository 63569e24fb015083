import type { Outcome } from '../model/mod.ts';

/** Our ipsets of one family, in one network namespace. */
export interface SetPort {
  /** Names of the sets that are ours. */
  list(): Promise<Outcome<readonly string[]>>;
  /** A set that exists already keeps its entries. */
  create(names: readonly string[]): Promise<Outcome<void>>;
  /** Fails for a set that a rule still names; sets that are gone already are fine. */
  destroy(names: readonly string[]): Promise<Outcome<void>>;
}

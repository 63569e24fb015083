import { isDeepStrictEqual } from 'node:util';
import type { DecisionEntry, ServiceKey, SideEntry } from '../model/mod.ts';

/** When a change of a side entry is due, among the other steps of a change. */
export type SidePhase =
  /** Before servers are added: what admits, refuses, masquerades and remembers. */
  | 'admit'
  /** After servers and routes are there and before any goes: what sends packets to them, or no longer does. */
  | 'attract'
  /** After servers and routes have gone. */
  | 'tidy';

/** A change of some side entries. */
export interface SideStep {
  readonly set: Map<string, { readonly entry: SideEntry; readonly service: ServiceKey }>;
  readonly remove: Map<string, ServiceKey>;
}

export function emptyStep(): SideStep {
  return { set: new Map(), remove: new Map() };
}

export function mergeSteps(one: SideStep, other: SideStep): SideStep {
  return {
    set: new Map([...one.set, ...other.set]),
    remove: new Map([...one.remove, ...other.remove]),
  };
}

/**
 * When this entry is due, or null if the kernel has it. `guarded`: packets to its destination that no server takes are
 * refused. A lane is there before a decision uses its mark, so that no packet leaves with a source that no answer finds. A
 * rewrite comes and goes in one transaction with the decisions about the port it gives: alone it would lead packets to
 * decisions that are gone, or not yet made.
 */
export function phaseOfSetting(entry: SideEntry, have: SideEntry | undefined, guarded: boolean): SidePhase | null {
  if (isDeepStrictEqual(entry, have)) return null;
  switch (entry.kind) {
    case 'record':
    case 'hairpin':
    case 'protected':
    case 'restricted':
    case 'source':
    case 'lane':
    case 'clamp':
    case 'closed':
    case 'peer':
      return 'admit';
    case 'decision':
      return phaseOfDecision(entry, have, guarded);
    case 'capture':
    case 'capture-address':
    case 'sticky':
    case 'loopback':
    case 'rewrite':
      return 'attract';
  }
}

/**
 * A refusal may come early. So may a decision for the server at the address that is about to come, unless it takes the
 * place of another server's, or of a refusal without which packets would reach a socket of the node.
 */
function phaseOfDecision({ decision }: DecisionEntry, have: SideEntry | undefined, guarded: boolean): SidePhase {
  if (decision.verdict === 'reject' || decision.verdict === 'drop') return 'admit';
  const ofAddress = decision.verdict === 'balance' && decision.server === 0;
  return ofAddress && !forwards(have) && (guarded || have === undefined) ? 'admit' : 'attract';
}

/**
 * A decision for the server at an address, and who may use it, go after the server: without them packets would be
 * balanced with a source that no answer finds, or from a source that is not allowed.
 */
export function phaseOfRemoval(have: SideEntry): SidePhase {
  switch (have.kind) {
    case 'record':
    case 'hairpin':
    case 'protected':
    case 'restricted':
    case 'source':
    case 'lane':
    case 'clamp':
    case 'closed':
    case 'peer':
      return 'tidy';
    case 'decision':
      return have.decision.verdict === 'balance' && have.decision.server === 0 ? 'tidy' : 'attract';
    case 'capture':
    case 'capture-address':
    case 'sticky':
    case 'loopback':
    case 'rewrite':
      return 'attract';
  }
}

function forwards(entry: SideEntry | undefined): boolean {
  if (entry?.kind !== 'decision') return false;
  const { verdict } = entry.decision;
  return verdict === 'balance' || verdict === 'sticky' || verdict === 'mark';
}

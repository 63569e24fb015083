import type { Address, Problem } from '../model/mod.ts';
import { electOwner } from './announce-election.ts';
import type { AnnounceWish, Ownership } from './announce-election.ts';
import type { MemberVerdict } from './announce-members.ts';

/** What `waypost ingress` shows of an address that is to be announced. */
export interface AnnounceRow {
  readonly address: Address;
  /** The node that answers for it, as this one sees it; null: none can. */
  readonly owner: string | null;
  /** The owner may be dead, and the node that follows waits for proof. */
  readonly undecided: boolean;
  /** Milliseconds since 1970 of the last change of owner. */
  readonly since: number;
  /** Why this node does not answer although it is the owner; null where all is well. */
  readonly problem: Problem | null;
}

/** What this node has to do about its addresses. */
export interface Duties {
  readonly owned: readonly Address[];
  /** Nothing is known for certain: as it is. */
  readonly kept: readonly Address[];
}

/** One wish an address: where two Services share one, only nodes that accept for both are good for it. */
export function mergeWishes(wanted: readonly AnnounceWish[]): ReadonlyMap<Address, AnnounceWish> {
  const wishes = new Map<Address, AnnounceWish>();
  for (const { address, eligible } of wanted) {
    const known = wishes.get(address);
    const both = known === undefined ? eligible : eligible.filter((node) => known.eligible.includes(node));
    wishes.set(address, { address, eligible: both });
  }
  return wishes;
}

/** The rows after an election, with the time of those whose owner is the same as before. */
export function electAll(
  wishes: ReadonlyMap<Address, AnnounceWish>,
  members: readonly MemberVerdict[],
  before: ReadonlyMap<Address, AnnounceRow>,
  now: number,
): ReadonlyMap<Address, AnnounceRow> {
  const rows = new Map<Address, AnnounceRow>();
  for (const [address, wish] of wishes) {
    const ownership = electOwner(wish, members);
    const owner = ownerOf(ownership);
    const known = before.get(address);
    const since = known?.owner === owner ? known.since : now;
    rows.set(address, { address, owner, undecided: ownership.kind === 'undecided', since, problem: known?.problem ?? null });
  }
  return rows;
}

export function dutiesOf(rows: ReadonlyMap<Address, AnnounceRow>, node: string): Duties {
  const all = [...rows.values()];
  return {
    owned: all.filter(({ owner, undecided }) => owner === node && !undecided).map(({ address }) => address),
    kept: all.filter(({ undecided }) => undecided).map(({ address }) => address),
  };
}

/**
 * Until when this node goes on answering for addresses that another has taken over: that one may not know of it yet, and a question
 * that nobody answers is asked again only after a second. Both forward what they get. It answers, but greets no more: a greeting
 * overrides what clients know (net/ipv4/arp.c, arp_process), and an answer does not for a second after the heir's greeting (`locktime`).
 */
export function handOver(
  leaving: ReadonlyMap<Address, number>,
  before: ReadonlyMap<Address, AnnounceRow>,
  rows: ReadonlyMap<Address, AnnounceRow>,
  node: string,
  now: number,
): ReadonlyMap<Address, number> {
  const next = new Map<Address, number>();
  for (const { address, owner } of rows.values()) {
    if (owner === null || owner === node) continue;
    const known = leaving.get(address);
    const until = before.get(address)?.owner === node ? now + handOverMs : known;
    if (until !== undefined && until > now) next.set(address, until);
  }
  return next;
}

/** Less than the time after which a new owner greets again, so that the last word is the new owner's. */
export const handOverMs = 200;

function ownerOf(ownership: Ownership): string | null {
  return ownership.kind === 'none' ? null : ownership.node;
}

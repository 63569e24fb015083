import type { Prefix } from '../model/mod.ts';
import type { MemberLease } from './announce-lease.ts';

/**
 * Who lives, as one observer sees it. All times are milliseconds of its own clock, which must not jump; clocks of machines are
 * never compared. A member is dead when it can be shown that the
 * server took nothing from it for the duration of its Lease: the observer renewed its own Lease after that duration, and the
 * watch, which tells everything in the order in which it was written, brought this renewal back without one of the member
 * before it. An observer that the server or the watch has left therefore declares nobody dead.
 */
export interface MemberBook {
  readonly own: string;
  readonly members: Map<string, SeenMember>;
  /** When own renewals that the watch has not brought back were sent, by what they say of their time. */
  readonly sent: Map<number, number>;
  /** When the latest own renewal was sent that the watch brought back; null before the first. */
  provedAt: number | null;
  /** When the latest own renewal was sent that the server took; null before the first. */
  confirmedAt: number | null;
}

interface SeenMember {
  readonly lease: MemberLease;
  /** When it was seen to renew, or was seen at all. */
  readonly seenAt: number;
  /** It was seen to renew, and not only found. */
  readonly renews: boolean;
}

/** `unproved`: found in the first list, and not yet seen to renew or to fail to. */
export interface MemberVerdict {
  readonly node: string;
  readonly state: 'live' | 'unproved' | 'dead';
  readonly networks: readonly Prefix[];
}

export interface Judgement {
  /** The own node among them, once the server took its Lease. */
  readonly members: readonly MemberVerdict[];
  /** Time is up for a member, and only an own renewal sent at or after this time can show whether it is dead; null: for none. */
  readonly proofAfter: number | null;
  /** When to judge again at the latest; null: only when something is seen. */
  readonly nextAt: number | null;
}

export function createMemberBook(own: string): MemberBook {
  return { own, members: new Map(), sent: new Map(), provedAt: null, confirmedAt: null };
}

/** `found`: it may have been renewed long ago. */
export function noteLease(book: MemberBook, lease: MemberLease, now: number, found: boolean): void {
  const known = book.members.get(lease.node);
  if (lease.node === book.own) noteReturned(book, lease.renewedAt);
  const renewed = known === undefined || known.lease.renewedAt !== lease.renewedAt || known.lease.holder !== lease.holder;
  if (renewed) book.members.set(lease.node, { lease, seenAt: now, renews: !found });
  else book.members.set(lease.node, { ...known, lease });
}

function noteReturned(book: MemberBook, renewedAt: number): void {
  const sentAt = book.sent.get(renewedAt);
  if (sentAt !== undefined) book.provedAt = latest(book.provedAt, sentAt);
  // What was sent before was overwritten or refused.
  for (const mark of book.sent.keys()) if (mark <= renewedAt) book.sent.delete(mark);
}

/** An own renewal that says this of its time is about to be sent. */
export function noteSent(book: MemberBook, renewedAt: number, now: number): void {
  book.sent.set(renewedAt, now);
}

export function noteGone(book: MemberBook, node: string): void {
  book.members.delete(node);
}

/** The server took an own renewal sent at that time. */
export function noteConfirmed(book: MemberBook, sentAt: number): void {
  book.confirmedAt = latest(book.confirmedAt, sentAt);
}

export function judgeMembers(book: MemberBook, own: MemberLease, now: number): Judgement {
  const members: MemberVerdict[] = [];
  const times: number[] = [];
  let proofAfter: number | null = null;
  for (const [node, { lease, seenAt, renews }] of book.members) {
    if (node === book.own || lease.holder === '') continue;
    const lapsesAt = seenAt + lease.durationMs;
    const dead = book.provedAt !== null && book.provedAt >= lapsesAt;
    members.push({ node, state: dead ? 'dead' : renews ? 'live' : 'unproved', networks: lease.networks });
    if (dead) continue;
    if (now >= lapsesAt) proofAfter = latest(proofAfter, lapsesAt);
    else times.push(lapsesAt);
  }
  if (book.confirmedAt !== null) {
    const endsAt = book.confirmedAt + own.durationMs;
    if (now < endsAt) times.push(endsAt);
    const state = now >= endsAt && othersRenew(book, own) ? 'dead' : 'live';
    members.push({ node: book.own, state, networks: own.networks });
  }
  return { members, proofAfter, nextAt: times.length === 0 ? null : Math.min(...times) };
}

/**
 * Others were renewed in the latter half of a time in which the node itself was not: they are about to take over, and the
 * node must have stepped down by then. Where nobody is seen to renew, the server is away from all or from this node alone. Nobody
 * can tell which, and the node goes on: the alternative is that every address falls silent with the server.
 */
function othersRenew({ own: name, members, confirmedAt }: MemberBook, own: MemberLease): boolean {
  const since = (confirmedAt ?? 0) + own.durationMs / 2;
  return [...members].some(
    ([node, { seenAt, renews, lease }]) => node !== name && renews && lease.holder !== '' && seenAt > since,
  );
}

function latest(one: number | null, other: number): number {
  return one === null ? other : Math.max(one, other);
}

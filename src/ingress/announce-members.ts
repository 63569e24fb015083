import type { MemberLease, Prefix } from '../model/mod.ts';

/**
 * Who lives, as one observer sees it. All times are milliseconds of its own clock, which must not jump; clocks of machines are
 * never compared. A member is dead when it can be shown that the
 * server took nothing from it for the duration of its Lease: the observer renewed its own Lease after that duration, and the
 * watch, which tells everything in the order in which it was written, brought this renewal back without one of the member
 * before it. An observer that the server or the watch has left therefore declares nobody dead.
 */
export interface MemberBook {
  readonly own: string;
  readonly durationMs: number;
  readonly members: Map<string, SeenMember>;
  /** When own renewals that the watch has not brought back were sent, by what they say of their time. */
  readonly sent: Map<number, number>;
  /** When the latest own renewal was sent that the watch brought back; null before the first. */
  provedAt: number | null;
  /** When the latest own renewal was sent that the server took; null before the first. */
  confirmedAt: number | null;
  /** When another was first seen to renew while an own renewal was overdue; null: none was. */
  doubtAt: number | null;
}

interface SeenMember {
  readonly lease: MemberLease;
  /** When it was seen to renew, or was seen at all. */
  seenAt: number;
  /** It was seen to renew, and not only found. */
  readonly renews: boolean;
}

/** Renewals come three times in the time of a Lease: after half of it one has failed. */
const overdue = 1 / 2;
/** Part of a Lease that is left for one more try when others are seen to renew. */
const lastTry = 1 / 12;

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

export function createMemberBook(own: string, durationMs: number): MemberBook {
  return { own, durationMs, members: new Map(), sent: new Map(), provedAt: null, confirmedAt: null, doubtAt: null };
}

/** `found`: it may have been renewed long ago. */
export function noteLease(book: MemberBook, lease: MemberLease, now: number, found: boolean): void {
  const known = book.members.get(lease.node);
  if (lease.node === book.own) noteReturned(book, lease.renewedAt, now);
  const renewed = known === undefined || known.lease.renewedAt !== lease.renewedAt || known.lease.holder !== lease.holder;
  if (renewed) book.members.set(lease.node, { lease, seenAt: now, renews: !found });
  else book.members.set(lease.node, { ...known, lease });
  if (!renewed || found || lease.node === book.own || lease.holder === '' || book.confirmedAt === null) return;
  if (now > book.confirmedAt + book.durationMs * overdue) book.doubtAt ??= now;
}

/**
 * Where own renewals failed in between, those of others may have failed for the same reason: the time of every one begins anew.
 */
function noteReturned(book: MemberBook, renewedAt: number, now: number): void {
  const sentAt = book.sent.get(renewedAt);
  // What was sent before was overwritten or refused.
  for (const mark of book.sent.keys()) if (mark <= renewedAt) book.sent.delete(mark);
  if (sentAt === undefined) return;
  const failed = book.provedAt !== null && sentAt - book.provedAt > book.durationMs * overdue;
  if (failed) for (const member of book.members.values()) member.seenAt = now;
  book.provedAt = latest(book.provedAt, sentAt);
  // Perhaps the server's answer is still on its way, or got lost.
  noteConfirmed(book, sentAt);
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
  book.doubtAt = null;
}

export function judgeMembers(book: MemberBook, networks: readonly Prefix[], now: number): Judgement {
  const members: MemberVerdict[] = [];
  const times: number[] = [];
  let proofAfter = book.doubtAt;
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
    const endsAt = endOf(book);
    if (endsAt !== null && now < endsAt) times.push(endsAt);
    members.push({ node: book.own, state: endsAt !== null && now >= endsAt ? 'dead' : 'live', networks });
  }
  return { members, proofAfter, nextAt: times.length === 0 ? null : Math.min(...times) };
}

/**
 * When the node has to step down; null: it goes on. Others that renew while it cannot are about to take over, and it must have
 * stepped down by then. Where nobody is seen to renew, the server is away from all or from this node alone. Nobody here can tell
 * which, and the node goes on: the alternative is that every address falls silent with the server.
 */
function endOf({ confirmedAt, doubtAt, durationMs }: MemberBook): number | null {
  if (confirmedAt === null || doubtAt === null) return null;
  return Math.max(confirmedAt + durationMs, doubtAt + durationMs * lastTry);
}

function latest(one: number | null, other: number): number {
  return one === null ? other : Math.max(one, other);
}

import type { LeaseTerms, StoredLease } from '../model/mod.ts';

/** Milliseconds, as in client-go's leader election: 15 s, 10 s and 2 s unless somebody says otherwise. */
export interface LeaseTimings {
  /** Others take the lease over when it has not changed for this long. */
  readonly leaseMs: number;
  /** A leader that could not renew for this long leads no more; less than `leaseMs`. */
  readonly renewMs: number;
  /** Between two tries; less than `renewMs`. */
  readonly retryMs: number;
}

export const defaultLeaseTimings: LeaseTimings = { leaseMs: 15_000, renewMs: 10_000, retryMs: 2000 };

/** A lease as it was last seen, and when it was first seen saying this, by our own steady clock. */
export interface Sighting {
  readonly lease: StoredLease;
  readonly since: number;
}

/**
 * What was seen at `at`. Only a change of what the lease says begins a new time: no clock of another machine is ever compared
 * with ours.
 */
export function sightLease(before: Sighting | null, lease: StoredLease, at: number): Sighting {
  return before !== null && isSameTerms(before.lease.terms, lease.terms) ? { lease, since: before.since } : { lease, since: at };
}

/** True while somebody else has the lease. */
export function isHeldByOther({ lease, since }: Sighting, self: string, at: number): boolean {
  const { holder, durationSeconds } = lease.terms;
  return holder !== '' && holder !== self && at < since + durationSeconds * 1000;
}

/** What we write to have the lease, or to go on having it, at the wall clock's `now`. */
export function claimTerms(before: LeaseTerms | null, self: string, timings: LeaseTimings, now: number): LeaseTerms {
  const base = { holder: self, durationSeconds: Math.ceil(timings.leaseMs / 1000), renewedAt: now };
  if (before === null) return { ...base, acquiredAt: now, transitions: 0 };
  if (before.holder === self) return { ...base, acquiredAt: before.acquiredAt, transitions: before.transitions };
  return { ...base, acquiredAt: now, transitions: before.transitions + 1 };
}

/** What we write to give the lease back, so that nobody has to wait it out. */
export function releaseTerms(before: LeaseTerms, now: number): LeaseTerms {
  return { holder: '', durationSeconds: 1, acquiredAt: now, renewedAt: now, transitions: before.transitions };
}

function isSameTerms(a: LeaseTerms, b: LeaseTerms): boolean {
  return (
    a.holder === b.holder &&
    a.durationSeconds === b.durationSeconds &&
    a.acquiredAt === b.acquiredAt &&
    a.renewedAt === b.renewedAt &&
    a.transitions === b.transitions
  );
}

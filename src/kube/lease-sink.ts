import type { LeaseListener, MemberLease, Problem } from '../model/mod.ts';
import { nodeOfLease } from './decode-lease.ts';
import type { ReflectorSink } from './reflector-types.ts';

/**
 * Hands on what a reflector finds. A list has no order of time: what it says of the own Lease is told last, since whoever is told
 * of it concludes that it knows everything that was written before.
 */
export function createLeaseSink(
  node: string,
  listener: LeaseListener,
  problem: (problem: Problem) => void,
): ReflectorSink<MemberLease> {
  let listing = true;
  let own: MemberLease | null = null;
  const flush = (): void => {
    listing = false;
    if (own !== null) listener.seen(own);
    own = null;
  };
  return {
    upsert(lease) {
      if (listing && lease.node === node) own = lease;
      else listener.seen(lease);
    },
    remove(key) {
      const gone = nodeOfLease(key);
      if (gone !== null) listener.gone(gone);
    },
    hold() {
      listing = true;
    },
    release: flush,
    listed() {
      flush();
      listener.listed();
    },
    problem,
  };
}

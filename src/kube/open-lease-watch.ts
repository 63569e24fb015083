import type { LeasePort, Outcome } from '../model/mod.ts';
import type { LeaseWatchOptions } from './lease-watch.ts';

/** The Leases of nodes that announce addresses. Loaded on demand, for the reason of `openClusterSource`. */
export async function openLeaseWatch(options: LeaseWatchOptions): Promise<Outcome<LeasePort>> {
  const { createLeaseWatch } = await import('./lease-watch.ts');
  return createLeaseWatch(options);
}

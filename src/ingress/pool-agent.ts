import type { Clock, Dirty, LeaseStore, Snapshot } from '../model/mod.ts';
import { LeaseElector } from './lease-elector.ts';
import { defaultLeaseTimings } from './lease-state.ts';
import type { LeaseTimings } from './lease-state.ts';
import { AddressAllocator } from './pool-allocator.ts';
import type { AllocatorOptions } from './pool-allocator.ts';
import type { PoolUsage } from './pool-usage.ts';

export interface AddressPoolOptions extends AllocatorOptions {
  /** Of this run of the agent: the Node's name and something that no earlier run had. */
  readonly identity: string;
  readonly lease: LeaseStore;
  readonly clock: Clock;
  /** Milliseconds of a clock that nobody sets. */
  readonly uptime: () => number;
  readonly timings?: LeaseTimings;
}

/** The allocator of an agent: one of all agents leads and gives addresses, the others stand by. */
export interface AddressPoolAgent {
  /** A commit of the source. The first call says that everything has been read once, and makes the agent a candidate. */
  update(snapshot: Snapshot, dirty: Dirty | null): void;
  usage(): readonly PoolUsage[];
  readonly isLeading: boolean;
  /** Ends the work and gives the lease back. */
  close(): Promise<void>;
}

export function createAddressPoolAgent(options: AddressPoolOptions): AddressPoolAgent {
  const { identity, lease, clock, uptime, random, problem, timings = defaultLeaseTimings } = options;
  const allocator = new AddressAllocator(options);
  const lead = allocator.lead.bind(allocator);
  const elector = new LeaseElector({ identity, store: lease, clock, uptime, random, timings, problem, lead });
  let started = false;
  return {
    update(snapshot, dirty) {
      allocator.update(snapshot, started ? dirty : null);
      if (!started) elector.start();
      started = true;
    },
    usage: () => allocator.usage(),
    get isLeading() {
      return elector.isLeading;
    },
    close: () => elector.close(),
  };
}

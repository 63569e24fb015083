import { addressBytes } from '../model/mod.ts';
import type { Backend, Frontend, Pool } from '../model/mod.ts';
import type { DrainPolicy, PlanContext } from './plan-types.ts';
import type { Destination, SchedulerFlag } from './virtual-server.ts';
import { destinationKeyText } from './virtual-server.ts';

/**
 * The destinations of a pool, sorted by address and port, so that hash schedulers of all nodes place clients alike
 * (specification 11.6). Back ends given twice count once.
 */
export function planDestinations(backends: readonly Backend[]): ReadonlyMap<string, Destination> {
  const sorted = backends
    .map((backend) => ({ backend, bytes: addressBytes(backend.address) }))
    .toSorted((a, b) => compareBytes(a.bytes, b.bytes) || a.backend.port - b.backend.port);
  return new Map(
    sorted.map(({ backend }) => [destinationKeyText(backend), destinationOf(backend, Math.trunc(backend.weight))] as const),
  );
}

/** The only destination of the server of one back end of a sticky group, which is chosen before the balancer sees the client. */
export function planSticky(backend: Backend): ReadonlyMap<string, Destination> {
  return new Map([[destinationKeyText(backend), destinationOf(backend, 1)]]);
}

function destinationOf({ address, port }: Backend, weight: number): Destination {
  return { address, port, forwarding: { method: 'masquerade' }, weight, upperThreshold: 0, lowerThreshold: 0 };
}

/** `rr` ignores weights, so weights without a word about schedulers ask for `wrr` (specification 1.4). */
export function chooseScheduler(
  frontend: Frontend,
  pool: Pool,
  standard: string,
): { readonly scheduler: string; readonly fallback: 'rr' | 'wrr' } {
  const usable = pool.backends.filter(({ weight }) => weight > 0);
  const fallback = usable.some(({ weight }) => weight !== usable[0]?.weight) ? 'wrr' : 'rr';
  const scheduler = frontend.scheduler ?? (standard === 'rr' ? fallback : standard);
  return { scheduler, fallback };
}

/** Without it a hash scheduler refuses every client whose slot belongs to a back end of weight 0 (specification 1.4). */
export function flagsOf(scheduler: string): readonly SchedulerFlag[] {
  return scheduler === 'sh' || scheduler === 'mh' ? ['fallback'] : [];
}

/** Clients of UDP never close, so a wish for patience is one for TCP and SCTP only. */
export function planDrain({ protocol, drainSeconds }: Frontend, context: PlanContext): DrainPolicy {
  if (protocol === 'UDP') return { milliseconds: context.udpDrainMs, untilIdle: false };
  return { milliseconds: drainSeconds === null ? context.drainMs : drainSeconds * 1000, untilIdle: true };
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (const [index, byte] of a.entries()) {
    const other = b[index] ?? 0;
    if (byte !== other) return byte - other;
  }
  return 0;
}

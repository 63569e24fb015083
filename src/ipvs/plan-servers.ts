import { addressBytes, familyOf } from '../model/mod.ts';
import type { Address, Backend, Delivery, Frontend, Pool } from '../model/mod.ts';
import type { DrainPolicy, PlanContext } from './plan-types.ts';
import { isHashScheduler } from './validate.ts';
import type { Destination, Forwarding, SchedulerFlag } from './virtual-server.ts';
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

/**
 * The destinations of a pool that is published. A limit counts active and inactive connections; the kernel sends new ones again
 * below three quarters of it (`ip_vs_unbind_dest`), which keeps a back end from going back and forth at every connection.
 */
export function planPublished(backends: readonly Backend[], connectionLimit: number): ReadonlyMap<string, Destination> {
  const limited = [...planDestinations(backends)].map(
    ([key, one]) => [key, { ...one, upperThreshold: connectionLimit }] as const,
  );
  return new Map(limited);
}

/** The only destination of the server of one back end of a sticky group, which is chosen before the balancer sees the client. */
export function planSticky(backend: Backend): ReadonlyMap<string, Destination> {
  return new Map([[destinationKeyText(backend), destinationOf(backend, 1)]]);
}

function destinationOf({ address, port, delivery }: Backend, weight: number): Destination {
  return { address, port, forwarding: forwardingOf(address, delivery), weight, upperThreshold: 0, lowerThreshold: 0 };
}

/** UDP without a checksum is no good for IPv6 (RFC 6936): receivers drop it unless they are told otherwise. */
function forwardingOf(address: Address, delivery: Delivery | undefined): Forwarding {
  if (delivery === undefined) return { method: 'masquerade' };
  if (delivery.method === 'direct') return delivery;
  if (delivery.encapsulation === 'ipip') return { ...delivery, port: 0, checksum: 'none' };
  return { ...delivery, checksum: familyOf(address) === 'IPv6' ? 'csum' : 'none' };
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

/**
 * In the kernel's order. Where nothing is asked for a hash scheduler falls back: otherwise it refuses every client whose slot
 * belongs to a back end of weight 0 (specification 1.4).
 */
export function flagsOf(scheduler: string, asked: readonly SchedulerFlag[] | null): readonly SchedulerFlag[] {
  if (!isHashScheduler(scheduler)) return [];
  return asked === null ? ['fallback'] : (['fallback', 'port'] as const).filter((flag) => asked.includes(flag));
}

/** Clients of UDP never close, so a wish for patience is one for TCP and SCTP only. */
export function planDrain({ protocol, drainSeconds }: Frontend, context: PlanContext): DrainPolicy {
  if (protocol === 'UDP') return { milliseconds: context.udpDrainMs, untilIdle: false };
  return { milliseconds: drainSeconds === null ? context.drainMs : drainSeconds * 1000, untilIdle: true };
}

/** Of a server for several protocols: what waits for the end of connections comes before what does not. */
export function morePatient(one: DrainPolicy, other: DrainPolicy): DrainPolicy {
  if (one.untilIdle !== other.untilIdle) return one.untilIdle ? one : other;
  return one.milliseconds >= other.milliseconds ? one : other;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (const [index, byte] of a.entries()) {
    const other = b[index] ?? 0;
    if (byte !== other) return byte - other;
  }
  return 0;
}

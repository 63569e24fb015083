import type { Address, DataPlaneSettings, Family, Prefix, ServiceKey, SideEntry } from '../model/mod.ts';
import type { Marked } from './marks.ts';
import type { Numbered } from './numbers.ts';
import type { NumberKind } from './records.ts';
import type { RouteWish } from './routes.ts';
import type { Target } from './target.ts';
import type { Destination, ServerKey, VirtualServer } from './virtual-server.ts';

/** How a destination that is no longer wanted leaves. */
export interface DrainPolicy {
  /** At the latest after this; 0: at once. */
  readonly milliseconds: number;
  /** Earlier, as soon as no connection is active. */
  readonly untilIdle: boolean;
}

export interface ServerWish {
  readonly service: ServiceKey;
  readonly key: ServerKey;
  readonly scheduler: string;
  /** What schedules where the kernel does not have `scheduler`. */
  readonly fallback: 'rr' | 'wrr';
  /** Null: those that {@link scheduler} cannot do without. */
  readonly schedulerFlags: VirtualServer['schedulerFlags'] | null;
  readonly persistence: VirtualServer['persistence'];
  readonly onePacket: boolean;
  /** By `destinationKeyText`, in the order of insertion: address by its number, then port. */
  readonly destinations: ReadonlyMap<string, Destination>;
  readonly drain: DrainPolicy;
}

/** Everything in the kernel that one Service asks for. */
export interface Plan {
  /** The Service, or a name of our own for what no Service asks for. */
  readonly id: string;
  /** Whom a failure is reported for. */
  readonly service: ServiceKey;
  /** By `serverKeyText`. */
  readonly servers: ReadonlyMap<string, ServerWish>;
  /** By `sideKey`. */
  readonly entries: ReadonlyMap<string, SideEntry>;
  /** By `keyOfWish`. */
  readonly routes: ReadonlyMap<string, RouteWish>;
  /** The destinations of clients that it serves, by `spotOf`. */
  readonly spots: ReadonlyMap<string, Spot>;
  /** There were not enough marks for it. */
  readonly starved: boolean;
}

/** A destination of clients. */
export interface Spot extends Target {
  /** Where its packets are rewritten to; absent: nowhere. */
  readonly rewritePort?: number;
  /** Texts of the servers that serve it. */
  readonly servers: readonly string[];
}

/** What plans are made from besides frontends. */
export interface PlanContext {
  readonly family: Family;
  readonly settings: DataPlaneSettings;
  readonly scheduler: string;
  /** Of this family. */
  readonly serviceCidrs: readonly Prefix[];
  /** Addresses of the node's interfaces, those of kube-proxy's dummy left out. */
  readonly ownAddresses: ReadonlySet<Address>;
  readonly captureBit: number;
  readonly routeTable: number;
  readonly rulePriority: number;
  readonly drainMs: number;
  readonly udpDrainMs: number;
  readonly numberOf: (kind: NumberKind, name: string) => Numbered;
  /** Marks for all of these names or, where there are not enough, null. */
  readonly marksOf: (names: Iterable<string>) => ReadonlyMap<string, Marked> | null;
  /** Two Services may ask for one destination; only one of them gets it. */
  readonly owns: (target: Target, service: ServiceKey) => boolean;
}

export function emptyPlan(id: string, service: ServiceKey): Plan {
  return { id, service, servers: new Map(), entries: new Map(), routes: new Map(), spots: new Map(), starved: false };
}

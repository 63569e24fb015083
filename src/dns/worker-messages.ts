import type { Address, Prefix, Problem } from '../model/mod.ts';
import type { CacheCounts } from './cache.ts';
import type { UpstreamCounts } from './forward-counts.ts';
import type { LaneCounts } from './lane-counts.ts';
import type { Name } from './name.ts';
import type { Request } from './resolution.ts';
import type { ResourceRecord } from './record.ts';
import type { DnsSettings } from './settings.ts';
import type { ZoneChange } from './zone-input.ts';

/** A socket that a worker has open, UDP and TCP both. */
export interface ListenPoint {
  readonly address: Address;
  /** Where the socket is; other than the port of its blocks where packets are redirected to it. */
  readonly port: number;
  /** Port of the server blocks that answer. */
  readonly serves: number;
}

/** What a worker knows from its start on. */
export interface WorkerData {
  readonly settings: DnsSettings;
  readonly listen: readonly ListenPoint[];
  readonly udp: 'batch' | 'plain';
  readonly facts: NodeFacts;
}

/** What the resolver has to know of the node. */
export interface NodeFacts {
  /** `topology.kubernetes.io/zone` of this node; null where it has none. */
  readonly nodeZone: string | null;
  /** Addresses that `ns.dns` has: those that are listened on. */
  readonly serverAddresses: readonly Address[];
  /** The Service whose ClusterIP is answered for; null where there is none. */
  readonly selfService: { readonly namespace: string; readonly name: string } | null;
  /** Who may ask where a block has no access rules; empty: everybody. */
  readonly sources: readonly Prefix[];
  /** The name that finds a loop, the same in all workers. */
  readonly loopName: Name;
}

/** From the main thread to a worker. */
export type ToWorker =
  | { readonly kind: 'change'; readonly change: ZoneChange }
  | { readonly kind: 'settings'; readonly settings: DnsSettings; readonly facts: NodeFacts }
  | { readonly kind: 'listen'; readonly listen: readonly ListenPoint[] }
  | { readonly kind: 'ask'; readonly id: number; readonly request: Request; readonly port: number }
  | { readonly kind: 'count'; readonly id: number }
  | { readonly kind: 'ping'; readonly id: number }
  | { readonly kind: 'log'; readonly on: boolean }
  /** A probe for loops came back to another thread. */
  | { readonly kind: 'looped' }
  | { readonly kind: 'stop' };

/** From a worker to the main thread. */
export type FromWorker =
  /** Every listen point that can be opened is open; comes again after each change of them. */
  | { readonly kind: 'listening'; readonly open: readonly ListenPoint[]; readonly descriptors: readonly number[] }
  /** A change was applied: the next may come. */
  | { readonly kind: 'applied' }
  /** The new settings hold. `resync`: the cluster has to be told from its beginning. */
  | { readonly kind: 'settled'; readonly resync: boolean }
  | { readonly kind: 'answered'; readonly id: number; readonly answer: Explanation }
  | { readonly kind: 'counted'; readonly id: number; readonly counts: WorkerCounts }
  | { readonly kind: 'pong'; readonly id: number; readonly synced: boolean; readonly looped: boolean }
  | { readonly kind: 'problem'; readonly problem: Problem }
  | { readonly kind: 'log'; readonly lines: readonly string[] };

/** An answer with how it came about. */
export interface Explanation {
  readonly rcode: number;
  readonly stage: string;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly answer: readonly ResourceRecord[];
  readonly authority: readonly ResourceRecord[];
  readonly additional: readonly ResourceRecord[];
  readonly steps: readonly string[];
}

export interface WorkerCounts {
  readonly lanes: readonly { readonly server: string; readonly zone: string; readonly counts: LaneCounts }[];
  readonly caches: readonly { readonly server: string; readonly zone: string; readonly counts: CacheCounts }[];
  readonly upstreams: UpstreamCounts;
  /** Stages that each block has, for `coredns_plugin_enabled`. */
  readonly enabled: readonly { readonly server: string; readonly zone: string; readonly names: readonly string[] }[];
  readonly hosts: { readonly entries: number; readonly reloadedAt: number };
  readonly panics: number;
  readonly autopaths: number;
  /** Octets of the worker's heap in use. */
  readonly heap: number;
}

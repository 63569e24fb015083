import type { Address, Family, Protocol, TrafficCounters } from '../model/mod.ts';

/** How a virtual server is found: by destination, or by a packet's whole 32-bit mark (never 0). */
export type ServerKey =
  | { readonly kind: 'address'; readonly protocol: Protocol; readonly address: Address; readonly port: number }
  | { readonly kind: 'mark'; readonly family: Family; readonly mark: number };

/** Flags of the hash schedulers; `sh` and `mh` share the bits (IP_VS_SVC_F_SCHED_SH_FALLBACK 0x08, _SH_PORT 0x10). */
export type SchedulerFlag = 'fallback' | 'port' | 'flag-3';

/** What `ipvsadm -A` says of a virtual server. */
export interface VirtualServer {
  readonly key: ServerKey;
  /** Name of a kernel scheduler, 1 to 15 characters. */
  readonly scheduler: string;
  /** In the order of {@link SchedulerFlag}. */
  readonly schedulerFlags: readonly SchedulerFlag[];
  /** `prefixLength`: how much of a client's address counts, 32 or 128 for all of it. Null: every connection is scheduled anew. */
  readonly persistence: { readonly timeoutSeconds: number; readonly prefixLength: number } | null;
  /** Every datagram is scheduled alone; only without address translation. */
  readonly onePacket: boolean;
  /** Persistence engine; the kernel knows `sip`. Null for none. */
  readonly persistenceEngine: string | null;
}

export type Forwarding =
  | { readonly method: 'masquerade' }
  | { readonly method: 'direct' }
  /** `gue` has a port; checksum flags only for gue and gre. */
  | {
      readonly method: 'tunnel';
      readonly encapsulation: 'ipip' | 'gue' | 'gre';
      readonly port: number;
      readonly checksum: 'none' | 'csum' | 'remcsum';
    };

/** What makes a destination the same one within its server. */
export interface DestinationKey {
  readonly address: Address;
  /** 0 only in a virtual server of a mark. */
  readonly port: number;
}

/** What `ipvsadm -a` says of a destination. */
export interface Destination extends DestinationKey {
  readonly forwarding: Forwarding;
  /** 0 to 2^31-1; 0 takes no new connections. */
  readonly weight: number;
  /** Active plus inactive connections at which it takes no more; 0 for no limit. */
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
}

/** Live counters of a destination: connections that are there, and all that passed. */
export interface DestinationCounters extends TrafficCounters {
  readonly active: number;
  readonly inactive: number;
  readonly persistent: number;
}

export interface ListedDestination extends Destination {
  readonly counters: DestinationCounters;
}

export interface ListedServer extends VirtualServer {
  readonly destinations: readonly ListedDestination[];
}

/** Text that is equal for equal keys: `TCP 10.96.0.1:443`, `UDP [fd00::1]:53`, `FWM 1459617792 IPv6`. */
export function serverKeyText(key: ServerKey): string {
  if (key.kind === 'mark') return `FWM ${key.mark} ${key.family}`;
  return `${key.protocol} ${key.address.includes(':') ? `[${key.address}]` : key.address}:${key.port}`;
}

/** Text that is equal for equal keys: `10.244.1.2:8080`. */
export function destinationKeyText({ address, port }: DestinationKey): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

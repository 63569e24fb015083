import type {
  Clock,
  Family,
  MarkSpace,
  Outcome,
  Pause,
  Prefix,
  Problem,
  ServiceKey,
  SideRules,
  SideSettings,
} from '../model/mod.ts';
import type { RoutePort } from '../netlink/mod.ts';
import type { IpvsPort, IpvsTimeouts } from './port.ts';
import { standardRouteTable } from './routes.ts';

/** Kernel parameters of this network namespace. Values are text without the line's end. */
export interface SysctlPort {
  /** Null where the kernel, or a module that is not loaded, does not have it. */
  read(name: string): Promise<string | null>;
  /** Failures: `WP_IPVS_SYSCTL`. */
  write(name: string, value: string): Promise<Outcome<void>>;
}

/** Something the data plane did beside what it was asked for. */
export type IpvsNotice =
  | { readonly kind: 'sysctl'; readonly name: string; readonly from: string; readonly to: string }
  | { readonly kind: 'timeouts'; readonly from: IpvsTimeouts; readonly to: IpvsTimeouts };

export interface IpvsOptions {
  readonly family: Family;
  readonly servers: IpvsPort;
  readonly side: SideRules;
  readonly routes: RoutePort;
  readonly sysctls: SysctlPort;
  /** As `uname -r` says. */
  readonly kernelRelease: string;
  /** The scheduler of every Service that asks for no other. */
  readonly scheduler: string;
  /** Virtual servers in these ranges belong to somebody else, unless a record says that we made them. */
  readonly excludeCidrs: readonly Prefix[];
  /** Ranges of ClusterIPs; both families mixed. Empty: each ClusterIP gets a route of its own. */
  readonly serviceCidrs: readonly Prefix[];
  readonly strictArp: boolean;
  /** Seconds; 0 means the operator set none. */
  readonly timeouts: IpvsTimeouts;
  /** Milliseconds that a back end may go on serving connections of TCP and SCTP. */
  readonly drainMs: number;
  /** Milliseconds that a back end of UDP stays without new clients. */
  readonly udpDrainMs: number;
  /** Milliseconds between two looks at the back ends that are draining. */
  readonly drainPollMs: number;
  /** Bit 0-31 of captured packets' marks. */
  readonly captureBit: number;
  /** Number of the routing table of captured addresses; it holds nothing else. */
  readonly routeTable: number;
  /** Priority of the routing rule that leads captured packets there. */
  readonly rulePriority: number;
  /** Marks that publications may have. */
  readonly marks: MarkSpace;
  readonly echo: SideSettings['echo'];
  readonly strays: SideSettings['strays'];
  readonly clock: Clock;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  readonly pause: Pause;
  /** Resolves after so many milliseconds; between batches of a large first sync. */
  readonly rest: (milliseconds: number) => Promise<void>;
  /** Told once about each thing that goes on with less than was asked for. */
  readonly degraded: (problem: Problem) => void;
  readonly report: (notice: IpvsNotice) => void;
}

/** The name that objects of no Service are booked under. */
export const noService: ServiceKey = '';

/** What an operator who set no timeouts gets, in seconds: beyond keepalive, and no UDP client pinned for minutes. */
export const defaultTimeouts = { tcp: 7500, udp: 60 } as const;

/** What an operator who chose no numbers gets: marks of 12 bits, and a routing rule before those of the main table and of most CNIs. */
export const standardNumbers: Pick<IpvsOptions, 'marks' | 'routeTable' | 'rulePriority'> = {
  marks: { mask: 0x0fff, first: 0x101 },
  routeTable: standardRouteTable,
  rulePriority: 75,
};

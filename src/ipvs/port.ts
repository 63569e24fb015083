import type { Family, Outcome, Problem } from '../model/mod.ts';
import type {
  Destination,
  DestinationCounters,
  DestinationKey,
  ListedServer,
  ServerKey,
  VirtualServer,
} from './virtual-server.ts';

/**
 * One command to the kernel. Adding what exists and editing what does not are refusals (`WP_IPVS_EXISTS`,
 * `WP_IPVS_NO_SERVER`, `WP_IPVS_NO_DESTINATION`); deleting what is not there is one too. Who plans decides what that means.
 */
export type IpvsOperation =
  | { readonly verb: 'add-server' | 'edit-server'; readonly server: VirtualServer }
  /** Its destinations go with it. */
  | { readonly verb: 'delete-server'; readonly key: ServerKey }
  | { readonly verb: 'add-destination' | 'edit-destination'; readonly key: ServerKey; readonly destination: Destination }
  | { readonly verb: 'delete-destination'; readonly key: ServerKey; readonly destination: DestinationKey };

/** Idle times in seconds after which the kernel forgets a connection. */
export interface IpvsTimeouts {
  readonly tcp: number;
  readonly tcpFin: number;
  readonly udp: number;
}

export interface IpvsReport {
  /** One for each operation, in their order; null where the kernel said yes. */
  readonly verdicts: readonly (Problem | null)[];
  /** Bytes handed to the kernel or to the tool. */
  readonly bytes: number;
  /** Netlink messages, or lines of the tool. */
  readonly messages: number;
}

/**
 * The kernel's virtual servers of one network namespace, as seen from one family: the other family's servers are neither
 * listed nor touched. Calls are never concurrent. Failures: `WP_IPVS_*`.
 */
export interface IpvsPort {
  readonly family: Family;
  /** Loads the module by asking; fails with `WP_IPVS_MISSING` where the kernel has no IPVS. */
  probe(scheduler: string): Promise<Outcome<{ readonly version: string; readonly connectionTableSize: number }>>;
  /** All virtual servers of the family, with destinations, foreign ones included. */
  list(): Promise<Outcome<readonly ListedServer[]>>;
  /** Counters of the destinations of one server; null where the server is gone. Keys as {@link destinationKeyText} gives them. */
  counters(key: ServerKey): Promise<Outcome<ReadonlyMap<string, DestinationCounters> | null>>;
  /** Runs the operations in their order; a refused one does not stop the next. */
  apply(operations: readonly IpvsOperation[]): Promise<IpvsReport>;
  timeouts(): Promise<Outcome<IpvsTimeouts>>;
  /** 0 keeps the value there is. */
  setTimeouts(timeouts: IpvsTimeouts): Promise<Outcome<void>>;
  close(): Promise<void>;
}

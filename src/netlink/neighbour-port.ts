import type { Address, Family, Outcome } from '../model/mod.ts';
import type { NetworkInterface } from './codec-link.ts';

/** An address that this node answers for on one interface, although it is not its own (`ip neigh add proxy`). */
export interface ProxyNeighbour {
  readonly address: Address;
  /** Number of the interface; 0 for an entry of all of them, which this port reads and never writes. */
  readonly index: number;
  /** Who made it (RTPROT_*; kernel 5.1); 0 where nobody said. */
  readonly protocol: number;
}

/** Another host on a link of this node. */
export interface Neighbour {
  readonly address: Address;
  /** Number of the interface. */
  readonly index: number;
  /** Of Ethernet, as `aa:bb:cc:dd:ee:ff`; null while the kernel does not know it, or on another kind of link. */
  readonly link: string | null;
}

/** Neighbours and proxy entries of one family, and the interfaces they stand on, in this network namespace. Failures: `WP_NETLINK_*`. */
export interface NeighbourPort {
  readonly family: Family;
  listProxies(): Promise<Outcome<readonly ProxyNeighbour[]>>;
  /**
   * Adds and removes, additions first; what is gone already is no failure. An entry that is there is taken over, so whoever
   * adds has to know that it is nobody else's. One verdict for all; each is tried whatever befell the others.
   */
  changeProxies(add: readonly ProxyNeighbour[], remove: readonly ProxyNeighbour[]): Promise<Outcome<void>>;
  listNeighbours(): Promise<Outcome<readonly Neighbour[]>>;
  /** Has the kernel find out the link-layer addresses of these, or make sure of them, as if something were sent to them. */
  useNeighbours(neighbours: readonly Omit<Neighbour, 'link'>[]): Promise<Outcome<void>>;
  listInterfaces(): Promise<Outcome<readonly NetworkInterface[]>>;
  close(): void;
}

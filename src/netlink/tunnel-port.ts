import type { Address, Family, Outcome } from '../model/mod.ts';

/**
 * A device out of which packets come that were packed into packets for `local`: IP in IP for IPv4 (ipip), IPv6 in IPv6
 * (ip6tnl). It takes them from whoever sends them; whom to believe is the packet filter's business.
 */
export interface TunnelDevice {
  readonly name: string;
  readonly local: Address;
  /** A word about whose it is, which the kernel keeps with the device (`ip link set alias`): up to 255 octets. */
  readonly alias: string;
}

/** A device as the kernel has it; null where it says nothing. */
export interface FoundDevice {
  readonly name: string;
  readonly index: number;
  readonly alias: string | null;
  /** The family that it is a tunnel of; null: it is another kind of device. */
  readonly family: Family | null;
  readonly local: Address | null;
  /** Octets that a packet may have. */
  readonly mtu: number;
}

/** A UDP port of this node at which generic UDP encapsulation is taken off (`fou` with type GUE). */
export interface ReceivePort {
  readonly family: Family;
  readonly port: number;
}

/** The receiving ends of tunnels in this network namespace. Failures: `WP_NETLINK_*`. */
export interface TunnelPort {
  /** Null: no device has that name, whatever its kind. */
  findDevice(name: string): Promise<Outcome<FoundDevice | null>>;
  /** Makes the device, and sets it up. */
  addDevice(device: TunnelDevice): Promise<Outcome<void>>;
  /** Gives the device an address of IPv4 that nothing is sent from; there already is no failure. */
  addAddress(index: number, address: Address): Promise<Outcome<void>>;
  /** False: there was none. */
  deleteDevice(name: string): Promise<Outcome<boolean>>;
  hasReceivePort(port: ReceivePort): Promise<Outcome<boolean>>;
  /** There already is no failure. */
  addReceivePort(port: ReceivePort): Promise<Outcome<void>>;
  /** False: there was none. */
  deleteReceivePort(port: ReceivePort): Promise<Outcome<boolean>>;
  close(): void;
}

import type { Address, Family, Outcome } from '../model/mod.ts';

/**
 * A device out of which packets come that were packed into packets for `local`: IP in IP for IPv4 (ipip), IPv6 in IPv6
 * (ip6tnl). It takes them from whoever sends them; whom to believe is the packet filter's business.
 */
export interface TunnelDevice {
  readonly name: string;
  readonly local: Address;
}

/** A UDP port of this node at which generic UDP encapsulation is taken off (`fou` with type GUE). */
export interface ReceivePort {
  readonly family: Family;
  readonly port: number;
}

/** The receiving ends of tunnels in this network namespace. Failures: `WP_NETLINK_*`. */
export interface TunnelPort {
  /** Makes the device and sets it up; one of that name and kind that is there already is only set up. */
  addDevice(device: TunnelDevice): Promise<Outcome<void>>;
  /** False: there was none. */
  deleteDevice(name: string): Promise<Outcome<boolean>>;
  /** There already is no failure. */
  addReceivePort(port: ReceivePort): Promise<Outcome<void>>;
  /** False: there was none. */
  deleteReceivePort(port: ReceivePort): Promise<Outcome<boolean>>;
  close(): void;
}

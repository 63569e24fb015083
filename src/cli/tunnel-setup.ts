import type { SysctlPort } from '../ipvs/mod.ts';
import { fail, succeed } from '../model/mod.ts';
import type { Address, Family, Outcome, Problem } from '../model/mod.ts';
import type { FoundDevice, TunnelPort } from '../netlink/mod.ts';

/** Names of our receiving devices. One is ours if it is a tunnel of the family and its alias says so. */
export const tunnelDevices: Readonly<Record<Family, string>> = { IPv4: 'waypost4', IPv6: 'waypost6' };

/** The receiving end of direct return in one family. */
export interface TunnelWish {
  readonly family: Family;
  /** The node's address. */
  readonly local: Address;
  /** UDP port of GUE; null: none. */
  readonly guePort: number | null;
}

const all = 'net/ipv4/conf/all/rp_filter';

/**
 * Makes the device and the UDP port, unless both are there as they are wished for; a device of ours that is not goes first.
 * Devices of others are left alone, and then there is none of ours.
 */
export async function makeTunnel(port: TunnelPort, sysctls: SysctlPort, wish: TunnelWish): Promise<Outcome<void>> {
  const { family, local, guePort } = wish;
  const name = tunnelDevices[family];
  const found = await port.findDevice(name);
  if (!found.ok) return found;
  if (found.value !== null && claimOf(found.value, family) === null) {
    return fail(
      'WP_INGRESS_DEVICE',
      `there is an interface ${name} that this agent has not made: no direct return for ${family} arrives here until it is renamed or removed`,
    );
  }
  const alias = await chooseAlias(port, wish, found.value);
  if (!alias.ok) return alias;
  const fits = found.value?.alias === alias.value && found.value.local === local;
  if (!fits) {
    const removed = await removeTunnel(port, family);
    if (!removed.ok) return removed;
    const made = await port.addDevice({ name, local, alias: alias.value });
    if (!made.ok) return made;
  }
  const opened = family === 'IPv4' ? await openPath(port, sysctls, name, local) : succeed(undefined);
  if (!opened.ok || guePort === null) return opened;
  return port.addReceivePort({ family, port: guePort });
}

/** Removes the device and the UDP port if they are ours; says what was removed. */
export async function removeTunnel(port: TunnelPort, family: Family): Promise<Outcome<readonly string[]>> {
  const name = tunnelDevices[family];
  const found = await port.findDevice(name);
  if (!found.ok) return found;
  const claim = found.value === null ? null : claimOf(found.value, family);
  if (claim === null) return succeed([]);
  const removed: string[] = [];
  // The port first: the device is what says that it is ours.
  if (claim.guePort !== null) {
    const closed = await port.deleteReceivePort({ family, port: claim.guePort });
    if (!closed.ok) return closed;
    if (closed.value) removed.push(`UDP port ${claim.guePort} of tunnels`);
  }
  const deleted = await port.deleteDevice(name);
  if (!deleted.ok) return deleted;
  return succeed(deleted.value ? [...removed, `interface ${name}`] : removed);
}

const ownAlias = /^waypost(?: gue (\d{1,5}))?$/;

/** Whether a device says that it is ours. */
export function isOwnAlias(alias: string | null): boolean {
  return ownAlias.test(alias ?? '');
}

/** What a device says of itself; null where it is none of ours. */
function claimOf(device: FoundDevice, family: Family): { readonly guePort: number | null } | null {
  const match = ownAlias.exec(device.alias ?? '');
  if (match === null || device.family !== family) return null;
  return { guePort: match[1] === undefined ? null : Number(match[1]) };
}

/** A port that was open before us is used, and left open at the end. */
async function chooseAlias(
  port: TunnelPort,
  { family, guePort }: TunnelWish,
  found: FoundDevice | null,
): Promise<Outcome<string>> {
  if (guePort === null) return succeed('waypost');
  const own = `waypost gue ${guePort}`;
  if (found?.alias === own) return succeed(own);
  const open = await port.hasReceivePort({ family, port: guePort });
  return open.ok ? succeed(open.value ? 'waypost' : own) : open;
}

/**
 * The source of what comes out of the device is a client, whose route leads elsewhere: a check of it drops the packet. What
 * counts is the greater of the two parameters (Documentation/networking/ip-sysctl.rst); where all interfaces are checked, the
 * loose check lets such packets pass through a device that has an address (net/ipv4/fib_frontend.c).
 */
async function openPath(port: TunnelPort, sysctls: SysctlPort, name: string, local: Address): Promise<Outcome<void>> {
  const checked = ((await sysctls.read(all)) ?? '0') !== '0';
  const written = await sysctls.write(`net/ipv4/conf/${name}/rp_filter`, checked ? '2' : '0');
  if (!written.ok || !checked) return written;
  const device = await port.findDevice(name);
  if (!device.ok) return device;
  if (device.value === null) return fail('WP_INGRESS_DEVICE', `the interface ${name} went away while it was being made`);
  return port.addAddress(device.value.index, local);
}

/** As a problem of direct return, whatever it was. */
export function describeTunnelProblem(family: Family, problem: Problem): Problem {
  return { ...problem, message: `no direct return for ${family} arrives at this node through a tunnel: ${problem.message}` };
}

import { addressBytes, families, familyOf } from '../model/mod.ts';
import type { Address, Family } from '../model/mod.ts';
import { walkAttributes, writeAttribute, writeNested } from './attributes.ts';
import { readText, readU32 } from './bytes.ts';
import type { ByteWriter } from './bytes.ts';
import { writeGenericHeader } from './codec-generic.ts';
import { readLink } from './codec-link.ts';
import { familyNumbers, readAddressAt } from './ip-family.ts';
import type { Message } from './message.ts';
import type { FoundDevice, ReceivePort, TunnelDevice } from './tunnel-port.ts';

/** `RTM_NEWLINK` and `RTM_DELLINK` (uapi/linux/rtnetlink.h). */
export const tunnelTypes = { new: 16, delete: 17 } as const;

/** `IFLA_*` and `IFLA_INFO_*` (if_link.h), `IFLA_IPTUN_*` (if_tunnel.h). */
const link = { name: 3, mtu: 4, info: 18, alias: 20 } as const;
const info = { kind: 1, data: 2 } as const;
const tunnel = { local: 2, remote: 3, flags: 8, protocol: 9 } as const;

/** `IFF_UP` (if.h). */
const up = 1;
/** `IP6_TNL_F_IGN_ENCAP_LIMIT` (ip6_tunnel.h): no destination option is put into what is sent. */
const ignoreLimit = 1;

const kinds: Readonly<Record<Family, string>> = { IPv4: 'ipip', IPv6: 'ip6tnl' };
/** What the tunnel carries: IPPROTO_IPIP, IPPROTO_IPV6. */
const carried: Readonly<Record<Family, number>> = { IPv4: 4, IPv6: 41 };

/** `struct ifinfomsg`. */
const linkHeaderLength = 16;

/** The payload that makes a device. */
export function writeNewTunnel(writer: ByteWriter, { name, local }: TunnelDevice): void {
  const family = familyOf(local);
  const own = addressBytes(local);
  writeHeader(writer, 0);
  writeText(writer, link.name, name);
  writeNested(writer, link.info, () => {
    writeText(writer, info.kind, kinds[family]);
    writeNested(writer, info.data, () => {
      writeAttribute(writer, tunnel.local, () => writer.bytes(own));
      writeAttribute(writer, tunnel.remote, () => writer.bytes(new Uint8Array(own.length)));
      if (family === 'IPv6') writeAttribute(writer, tunnel.flags, () => writer.u32(ignoreLimit));
      writeAttribute(writer, tunnel.protocol, () => writer.u8(carried[family]));
    });
  });
}

/** The payload that sets a device up and says whose it is, which the kernel does not take together with its making. */
export function writeRaiseTunnel(writer: ByteWriter, { name, alias }: TunnelDevice): void {
  writeHeader(writer, up);
  writeText(writer, link.name, name);
  writeText(writer, link.alias, alias);
}

/** The device that a message of type `tunnelTypes.new` describes; null where it lacks a name. */
export function readDevice(view: DataView, message: Message): FoundDevice | null {
  const named = readLink(view, message);
  if (named === null) return null;
  let alias: string | null = null;
  let family: Family | null = null;
  let local: Address | null = null;
  let mtu = 0;
  walkAttributes(view, message.start + linkHeaderLength, message.end, (type, from, to) => {
    if (type === link.alias) alias = readText(view, from, to);
    if (type === link.mtu && to - from >= 4) mtu = readU32(view, from);
    if (type !== link.info) return;
    walkAttributes(view, from, to, (part, start, end) => {
      if (part === info.kind) family = families.find((one) => kinds[one] === readText(view, start, end)) ?? null;
      // The kind comes before what only it has a meaning for (rtnl_link_fill in net/core/rtnetlink.c).
      const known = family;
      if (part !== info.data || known === null) return;
      walkAttributes(view, start, end, (field, a, b) => {
        if (field === tunnel.local) local = readAddressAt(view, a, b, known);
      });
    });
  });
  return { ...named, alias, family, local, mtu };
}

/** `IFA_ADDRESS` and `IFA_LOCAL` (if_addr.h); `RT_SCOPE_HOST`. */
const ownAddress = { address: 1, local: 2 } as const;
const hostScope = 254;

/** The payload that gives an interface an address of its own that is for nobody else (`struct ifaddrmsg`). */
export function writeNewAddress(writer: ByteWriter, index: number, address: Address): void {
  const bytes = addressBytes(address);
  writer.u8(familyNumbers[familyOf(address)]);
  writer.u8(bytes.length * 8);
  writer.u8(0);
  writer.u8(hostScope);
  writer.u32(index);
  writeAttribute(writer, ownAddress.local, () => writer.bytes(bytes));
  writeAttribute(writer, ownAddress.address, () => writer.bytes(bytes));
}

/** The payload that deletes a device. */
export function writeDeleteTunnel(writer: ByteWriter, name: string): void {
  writeHeader(writer, 0);
  writeText(writer, link.name, name);
}

/** Generic netlink family of `fou`, its version, commands and attributes (uapi/linux/fou.h). */
export const fouFamily = 'fou';
export const fouCommands = { add: 1, delete: 2, get: 3 } as const;
const fouVersion = 1;
const fou = { port: 1, family: 2, type: 4 } as const;
/** `FOU_ENCAP_GUE`. */
const gue = 2;

/** The payload of a command about a port. */
export function writeReceivePort(writer: ByteWriter, command: number, { family, port }: ReceivePort): void {
  writeGenericHeader(writer, command, fouVersion);
  writeAttribute(writer, fou.port, () => writer.be16(port));
  writeAttribute(writer, fou.family, () => writer.u8(familyNumbers[family]));
  if (command === fouCommands.add) writeAttribute(writer, fou.type, () => writer.u8(gue));
}

/** `struct ifinfomsg`: the flags that are said are also those that change. */
function writeHeader(writer: ByteWriter, flags: number): void {
  writer.u32(0);
  writer.u32(0);
  writer.u32(flags);
  writer.u32(flags);
}

function writeText(writer: ByteWriter, type: number, text: string): void {
  writeAttribute(writer, type, () => writer.bytes(new TextEncoder().encode(`${text}\0`)));
}

import type { Address, Family } from '../model/mod.ts';
import { walkAttributes, writeAttribute } from './attributes.ts';
import { bytesOf, readText, readU16, readU32 } from './bytes.ts';
import type { ByteWriter } from './bytes.ts';
import { familyNumbers, readAddressAt } from './ip-family.ts';
import type { Message } from './message.ts';

/** `RTM_*LINK` and `RTM_*ADDR` (uapi/linux/rtnetlink.h). */
export const linkTypes = { new: 16, get: 18 } as const;
export const addressTypes = { new: 20, delete: 21, get: 22 } as const;

/** `IFLA_*` (if_link.h) and `IFA_*` (if_addr.h). */
const linkAttribute = { hardwareAddress: 1, name: 3, extendedMask: 29 } as const;
const addressAttribute = { address: 1, local: 2 } as const;

/** `RTEXT_FILTER_SKIP_STATS`: counters are of no interest here and take most of an answer. */
const skipStatistics = 1 << 3;

const linkHeaderLength = 16;
const addressHeaderLength = 8;

/** The payload that asks for all interfaces, or for the one of a name. */
export function writeLinkQuery(writer: ByteWriter, name: string | null): void {
  writer.bytes(new Uint8Array(linkHeaderLength));
  writeAttribute(writer, linkAttribute.extendedMask, () => writer.u32(skipStatistics));
  if (name !== null) writeAttribute(writer, linkAttribute.name, () => writer.bytes(new TextEncoder().encode(`${name}\0`)));
}

/** An interface's number and name. */
export interface Link {
  readonly index: number;
  readonly name: string;
}

/** The interface that a message of type `linkTypes.new` describes, or null where it lacks a name. */
export function readLink(view: DataView, { start, end }: Message): Link | null {
  if (end - start < linkHeaderLength) return null;
  const index = readU32(view, start + 4);
  let name: string | null = null;
  walkAttributes(view, start + linkHeaderLength, end, (type, from, to) => {
    if (type === linkAttribute.name) name = readText(view, from, to);
  });
  return name === null ? null : { index, name };
}

/** An interface, as far as frames can be sent on it. */
export interface NetworkInterface extends Link {
  /** Six octets of an Ethernet address; null where it is another kind of interface, loopback among them. */
  readonly hardware: Uint8Array | null;
  /** Up, and with a carrier (IFF_RUNNING). */
  readonly running: boolean;
}

/** `ARPHRD_ETHER` (if_arp.h); IFF_UP and IFF_RUNNING (if.h). */
const ethernetKind = 1;
const upAndRunning = 0x1 | 0x40;

/** As {@link readLink}, with what a sender of frames needs to know. */
export function readInterface(view: DataView, message: Message): NetworkInterface | null {
  const link = readLink(view, message);
  if (link === null) return null;
  const { start, end } = message;
  let hardware: Uint8Array | null = null;
  if (readU16(view, start + 2) === ethernetKind) {
    walkAttributes(view, start + linkHeaderLength, end, (type, from, to) => {
      if (type === linkAttribute.hardwareAddress && to - from === 6) hardware = bytesOf(view, from, to).slice();
    });
  }
  return { ...link, hardware, running: (readU32(view, start + 8) & upAndRunning) === upAndRunning };
}

/** The payload that asks for the addresses of a family. */
export function writeAddressQuery(writer: ByteWriter, family: Family): void {
  writer.u8(familyNumbers[family]);
  writer.bytes(new Uint8Array(addressHeaderLength - 1));
}

/** An address as the kernel tells it: of the interface only the number. */
export interface KernelAddress {
  readonly address: Address;
  readonly index: number;
  /** Prefix length of the interface's network. */
  readonly length: number;
  /** 0 universe, 253 link, 254 host. */
  readonly scope: number;
  /** Its preferred lifetime is over: nothing is sent from it by itself. Absent: it is not. */
  readonly deprecated?: true;
}

/** `IFA_F_DEPRECATED`. */
const deprecatedFlag = 0x20;

/** The address that a message of type `addressTypes.new` or `.delete` is about; null where it is none of the family. */
export function readAddress(view: DataView, { start, end }: Message, family: Family): KernelAddress | null {
  if (end - start < addressHeaderLength || view.getUint8(start) !== familyNumbers[family]) return null;
  let own: Address | null = null;
  let peer: Address | null = null;
  walkAttributes(view, start + addressHeaderLength, end, (type, from, to) => {
    if (type === addressAttribute.local) own = readAddressAt(view, from, to, family);
    // Where both are given this is the other end of a point-to-point link.
    else if (type === addressAttribute.address) peer = readAddressAt(view, from, to, family);
  });
  const address = own ?? peer;
  if (address === null) return null;
  const plain = { address, index: readU32(view, start + 4), length: view.getUint8(start + 1), scope: view.getUint8(start + 3) };
  return (view.getUint8(start + 2) & deprecatedFlag) === 0 ? plain : { ...plain, deprecated: true };
}

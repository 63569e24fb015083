import { addressBytes } from '../model/mod.ts';
import type { Address, Family } from '../model/mod.ts';
import { walkAttributes, writeAttribute } from './attributes.ts';
import { bytesOf, readU16, readU32 } from './bytes.ts';
import type { ByteWriter } from './bytes.ts';
import { familyNumbers, readAddressAt } from './ip-family.ts';
import type { Message } from './message.ts';

/** `RTM_*NEIGH` (uapi/linux/rtnetlink.h). */
export const neighbourTypes = { new: 28, delete: 29, get: 30 } as const;

/** `NDA_*` (uapi/linux/neighbour.h); the protocol since kernel 5.1. */
const attribute = { destination: 1, linkAddress: 2, protocol: 12 } as const;
/** `NTF_PROXY`: not a neighbour, but an address that the node answers for. */
const proxyFlag = 0x08;
/** `NTF_USE`: not to be changed, but used, so that the kernel asks for the link-layer address or makes sure of it. */
const useFlag = 0x01;
/** `NUD_INCOMPLETE`, `NUD_FAILED` and `NUD_NONE`: in any other state the link-layer address is one that the kernel uses. */
const unknownStates = 0x01 | 0x20;

/** `struct ndmsg`. */
const headerLength = 12;

/** A proxy entry as the kernel tells it: of the interface only the number, 0 for all of them. */
export interface KernelProxy {
  readonly address: Address;
  readonly index: number;
  /** 0 where nobody said. */
  readonly protocol: number;
}

/** The payload that asks for the proxy entries of a family, and for those alone. */
export function writeProxyQuery(writer: ByteWriter, family: Family): void {
  writeHeader(writer, family, 0);
}

/** The payload that adds or removes a proxy entry; a removal does not look at the protocol. */
export function writeProxy(writer: ByteWriter, family: Family, { address, index, protocol }: KernelProxy): void {
  writeHeader(writer, family, index);
  writeAttribute(writer, attribute.destination, () => writer.bytes(addressBytes(address)));
  writeAttribute(writer, attribute.protocol, () => writer.u8(protocol));
}

/** The proxy entry that a message of type `neighbourTypes.new` describes; null where it is none of the family. */
export function readProxy(view: DataView, { start, end }: Message, family: Family): KernelProxy | null {
  if (end - start < headerLength || view.getUint8(start) !== familyNumbers[family]) return null;
  if ((view.getUint8(start + 10) & proxyFlag) === 0) return null;
  let address: Address | null = null;
  let protocol = 0;
  walkAttributes(view, start + headerLength, end, (type, from, to) => {
    if (type === attribute.destination) address = readAddressAt(view, from, to, family);
    else if (type === attribute.protocol && to > from) protocol = view.getUint8(from);
  });
  return address === null ? null : { address, index: readU32(view, start + 4), protocol };
}

/** A neighbour as the kernel tells it. */
export interface KernelNeighbour {
  readonly address: Address;
  readonly index: number;
  /** Of Ethernet, as `aa:bb:cc:dd:ee:ff`; null while the kernel does not know it, or on another kind of link. */
  readonly link: string | null;
}

/** The payload that asks for the neighbours of a family, proxy entries not among them. */
export function writeNeighbourQuery(writer: ByteWriter, family: Family): void {
  writeHeader(writer, family, 0, 0);
}

/** The payload that has the kernel look for a neighbour. */
export function writeNeighbourUse(writer: ByteWriter, family: Family, { address, index }: Omit<KernelNeighbour, 'link'>): void {
  writeHeader(writer, family, index, useFlag);
  writeAttribute(writer, attribute.destination, () => writer.bytes(addressBytes(address)));
}

/** The neighbour that a message of type `neighbourTypes.new` or `.delete` is about; null where it is none of the family. */
export function readNeighbour(view: DataView, { start, end }: Message, family: Family): KernelNeighbour | null {
  if (end - start < headerLength || view.getUint8(start) !== familyNumbers[family]) return null;
  if ((view.getUint8(start + 10) & proxyFlag) !== 0) return null;
  const state = readU16(view, start + 8);
  const known = state !== 0 && (state & unknownStates) === 0;
  let address: Address | null = null;
  let link: string | null = null;
  walkAttributes(view, start + headerLength, end, (type, from, to) => {
    if (type === attribute.destination) address = readAddressAt(view, from, to, family);
    else if (type === attribute.linkAddress && to - from === 6 && known) {
      link = Array.from(bytesOf(view, from, to), (octet) => octet.toString(16).padStart(2, '0')).join(':');
    }
  });
  return address === null ? null : { address, index: readU32(view, start + 4), link };
}

function writeHeader(writer: ByteWriter, family: Family, index: number, flags = proxyFlag): void {
  writer.u8(familyNumbers[family]);
  writer.u8(0);
  writer.u16(0);
  writer.u32(index);
  // State, flags, type.
  writer.u16(0);
  writer.u8(flags);
  writer.u8(0);
}

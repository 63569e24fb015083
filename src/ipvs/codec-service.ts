import { addressBits, addressBytes, families, formatAddress, protocolNumbers } from '../model/mod.ts';
import type { Address, Family, Protocol } from '../model/mod.ts';
import { walkAttributes, writeAttribute, writeNested } from '../netlink/mod.ts';
import type { ByteWriter } from '../netlink/mod.ts';
import { readText, readU16, readU32 } from './codec-values.ts';
import { serverFamily } from './validate.ts';
import type { SchedulerFlag, ServerKey, VirtualServer } from './virtual-server.ts';

/** `IPVS_CMD_ATTR_*` (uapi/linux/ip_vs.h). */
export const topAttribute = { service: 1, destination: 2, timeoutTcp: 4, timeoutTcpFin: 5, timeoutUdp: 6 } as const;

/** `IPVS_SVC_ATTR_*`. */
const attribute = {
  family: 1,
  protocol: 2,
  address: 3,
  port: 4,
  mark: 5,
  scheduler: 6,
  flags: 7,
  timeout: 8,
  netmask: 9,
  persistenceEngine: 11,
} as const;

/** `IP_VS_SVC_F_*`. 0x02 tells that the kernel hashed the server and is not ours to send. */
const flag = { persistent: 0x01, onePacket: 0x04 } as const;
const schedulerFlagBits: readonly (readonly [SchedulerFlag, number])[] = [
  ['fallback', 0x08],
  ['port', 0x10],
  ['flag-3', 0x20],
];
const managedFlags = 0x3d;

export const familyNumbers: Readonly<Record<Family, number>> = { IPv4: 2, IPv6: 10 };
const encoder = new TextEncoder();

/** Writes the nested attribute that names a server. */
export function writeServerKey(writer: ByteWriter, key: ServerKey): void {
  writeNested(writer, topAttribute.service, () => writeKeyFields(writer, key));
}

/** Writes the nested attribute that says everything of a server, as NEW_SERVICE and SET_SERVICE want it. */
export function writeServer(writer: ByteWriter, server: VirtualServer): void {
  const { key, scheduler, persistence, persistenceEngine } = server;
  writeNested(writer, topAttribute.service, () => {
    writeKeyFields(writer, key);
    writeAttribute(writer, attribute.scheduler, () => writer.bytes(encoder.encode(`${scheduler}\0`)));
    if (persistenceEngine !== null) {
      writeAttribute(writer, attribute.persistenceEngine, () => writer.bytes(encoder.encode(`${persistenceEngine}\0`)));
    }
    writeAttribute(writer, attribute.flags, () => {
      writer.u32(flagsOf(server));
      writer.u32(managedFlags);
    });
    writeAttribute(writer, attribute.timeout, () => writer.u32(persistence?.timeoutSeconds ?? 0));
    writeAttribute(writer, attribute.netmask, () => writeNetmask(writer, key, persistence?.prefixLength));
  });
}

/**
 * Reads a server from the value of the nested attribute. Null for what this room has no words for: a protocol other than
 * TCP, UDP and SCTP, or a message without a key.
 */
export function readServer(view: DataView, start: number, end: number): VirtualServer | null {
  const raw = { family: 0, protocol: 0, port: 0, mark: 0, flags: 0, timeout: 0, netmask: 0, prefix: 0 };
  let address: Uint8Array | null = null;
  let scheduler = '';
  let persistenceEngine: string | null = null;
  walkAttributes(view, start, end, (type, from, to) => {
    if (type === attribute.family) raw.family = readU16(view, from);
    else if (type === attribute.protocol) raw.protocol = readU16(view, from);
    else if (type === attribute.address) address = new Uint8Array(view.buffer, view.byteOffset + from, to - from);
    else if (type === attribute.port) raw.port = view.getUint16(from);
    else if (type === attribute.mark) raw.mark = readU32(view, from);
    else if (type === attribute.scheduler) scheduler = readText(view, from, to);
    else if (type === attribute.flags) raw.flags = readU32(view, from);
    else if (type === attribute.timeout) raw.timeout = readU32(view, from);
    else if (type === attribute.persistenceEngine) persistenceEngine = readText(view, from, to);
    else if (type === attribute.netmask) {
      raw.netmask = view.getUint32(from);
      raw.prefix = readU32(view, from);
    }
  });
  const family = readFamily(raw.family);
  const key = family === null ? null : readKey(family, raw, address);
  if (key === null) return null;
  const prefixLength = family === 'IPv6' ? raw.prefix : leadingOnes(raw.netmask);
  return {
    key,
    scheduler,
    schedulerFlags: schedulerFlagBits.filter(([, bit]) => (raw.flags & bit) !== 0).map(([name]) => name),
    persistence: (raw.flags & flag.persistent) === 0 ? null : { timeoutSeconds: raw.timeout, prefixLength },
    onePacket: (raw.flags & flag.onePacket) !== 0,
    persistenceEngine,
  };
}

export function readFamily(number: number): Family | null {
  return families.find((family) => familyNumbers[family] === number) ?? null;
}

/** An address from 4 or 16 bytes; the kernel pads IPv4 with zeros to 16. */
export function readAddress(family: Family, bytes: Uint8Array): Address {
  return formatAddress(bytes.slice(0, family === 'IPv4' ? 4 : 16));
}

/** Address bytes as the kernel keeps them: 16, IPv4 in the first four. */
export function paddedAddress(address: Address): Uint8Array {
  const padded = new Uint8Array(16);
  padded.set(addressBytes(address));
  return padded;
}

/** How many leading bits of a 32-bit mask are set. */
export function leadingOnes(mask: number): number {
  return Math.clz32(~mask);
}

function writeKeyFields(writer: ByteWriter, key: ServerKey): void {
  writeAttribute(writer, attribute.family, () => writer.u16(familyNumbers[serverFamily(key)]));
  if (key.kind === 'mark') {
    writeAttribute(writer, attribute.mark, () => writer.u32(key.mark));
    return;
  }
  writeAttribute(writer, attribute.protocol, () => writer.u16(protocolNumbers[key.protocol]));
  writeAttribute(writer, attribute.address, () => writer.bytes(paddedAddress(key.address)));
  writeAttribute(writer, attribute.port, () => writer.be16(key.port));
}

function flagsOf({ persistence, onePacket, schedulerFlags }: VirtualServer): number {
  let flags = (persistence === null ? 0 : flag.persistent) | (onePacket ? flag.onePacket : 0);
  for (const [name, bit] of schedulerFlagBits) if (schedulerFlags.includes(name)) flags |= bit;
  return flags;
}

/** A mask in network order for IPv4, a number of bits in host order for IPv6, where 0 is refused even if nothing persists. */
function writeNetmask(writer: ByteWriter, key: ServerKey, length: number | undefined): void {
  const family = serverFamily(key);
  const bits = length ?? addressBits(family);
  if (family === 'IPv6') writer.u32(bits);
  else writer.be32(bits === 0 ? 0 : (-1 << (32 - bits)) >>> 0);
}

function readKey(
  family: Family,
  raw: { readonly protocol: number; readonly port: number; readonly mark: number },
  address: Uint8Array | null,
): ServerKey | null {
  if (raw.mark !== 0) return { kind: 'mark', family, mark: raw.mark };
  const protocol = (Object.keys(protocolNumbers) as Protocol[]).find((name) => protocolNumbers[name] === raw.protocol);
  if (protocol === undefined || address === null) return null;
  return { kind: 'address', protocol, address: readAddress(family, address), port: raw.port };
}

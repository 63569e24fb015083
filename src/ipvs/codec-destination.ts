import { familyOf, unknownTraffic } from '../model/mod.ts';
import type { Family } from '../model/mod.ts';
import { walkAttributes, writeAttribute, writeNested } from '../netlink/mod.ts';
import type { ByteWriter } from '../netlink/mod.ts';
import { familyNumbers, paddedAddress, readAddress, readFamily, topAttribute } from './codec-service.ts';
import { readTraffic } from './codec-traffic.ts';
import { readU16, readU32 } from './codec-values.ts';
import type { Destination, DestinationKey, Forwarding, ListedDestination } from './virtual-server.ts';

/** `IPVS_DEST_ATTR_*` (uapi/linux/ip_vs.h). */
const attribute = {
  address: 1,
  port: 2,
  method: 3,
  weight: 4,
  upperThreshold: 5,
  lowerThreshold: 6,
  active: 7,
  inactive: 8,
  persistent: 9,
  counters: 10,
  family: 11,
  counters64: 12,
  tunnelType: 13,
  tunnelPort: 14,
  tunnelFlags: 15,
} as const;

/** `IP_VS_CONN_F_*` below `IP_VS_CONN_F_FWD_MASK`. */
const method = { masquerade: 0, local: 1, tunnel: 2, direct: 3 } as const;
const methodMask = 0x7;
const encapsulations = ['ipip', 'gue', 'gre'] as const;
/** `IP_VS_TUNNEL_ENCAP_FLAG_*`. */
const checksumFlags = { none: 0, csum: 1, remcsum: 2 } as const;

/** Writes the nested attribute that names a destination. */
export function writeDestinationKey(writer: ByteWriter, key: DestinationKey): void {
  writeNested(writer, topAttribute.destination, () => writeKeyFields(writer, key));
}

/** Writes the nested attribute that says everything of a destination, as NEW_DEST and SET_DEST want it. */
export function writeDestination(writer: ByteWriter, destination: Destination): void {
  const { forwarding, weight, upperThreshold, lowerThreshold } = destination;
  writeNested(writer, topAttribute.destination, () => {
    writeKeyFields(writer, destination);
    writeAttribute(writer, attribute.method, () => writer.u32(method[forwarding.method]));
    writeAttribute(writer, attribute.weight, () => writer.u32(weight));
    writeAttribute(writer, attribute.upperThreshold, () => writer.u32(upperThreshold));
    writeAttribute(writer, attribute.lowerThreshold, () => writer.u32(lowerThreshold));
    if (forwarding.method !== 'tunnel') return;
    writeAttribute(writer, attribute.tunnelType, () => writer.u8(encapsulations.indexOf(forwarding.encapsulation)));
    writeAttribute(writer, attribute.tunnelPort, () => writer.be16(forwarding.port));
    writeAttribute(writer, attribute.tunnelFlags, () => writer.u16(checksumFlags[forwarding.checksum]));
  });
}

/** Reads a destination of a server of this family from the value of the nested attribute; null where it names none. */
export function readDestination(view: DataView, start: number, end: number, serverFamily: Family): ListedDestination | null {
  const raw = { port: 0, method: 0, weight: 0, upper: 0, lower: 0, active: 0, inactive: 0, persistent: 0 };
  const tunnel = { type: 0, port: 0, flags: 0 };
  // Both are sent since Linux 4.1, the one with 32 bits first.
  const counted = { from: 0, to: 0 };
  let address: Uint8Array | null = null;
  let family: Family | null = serverFamily;
  walkAttributes(view, start, end, (type, from, to) => {
    if (type === attribute.address) address = new Uint8Array(view.buffer, view.byteOffset + from, to - from);
    else if (type === attribute.port) raw.port = view.getUint16(from);
    else if (type === attribute.method) raw.method = readU32(view, from) & methodMask;
    else if (type === attribute.weight) raw.weight = readU32(view, from);
    else if (type === attribute.upperThreshold) raw.upper = readU32(view, from);
    else if (type === attribute.lowerThreshold) raw.lower = readU32(view, from);
    else if (type === attribute.active) raw.active = readU32(view, from);
    else if (type === attribute.inactive) raw.inactive = readU32(view, from);
    else if (type === attribute.persistent) raw.persistent = readU32(view, from);
    else if (type === attribute.counters || type === attribute.counters64) {
      counted.from = from;
      counted.to = to;
    } else if (type === attribute.family) family = readFamily(readU16(view, from));
    else if (type === attribute.tunnelType) tunnel.type = view.getUint8(from);
    else if (type === attribute.tunnelPort) tunnel.port = view.getUint16(from);
    else if (type === attribute.tunnelFlags) tunnel.flags = readU16(view, from);
  });
  if (address === null || family === null) return null;
  const traffic = counted.to === 0 ? unknownTraffic : readTraffic(view, counted.from, counted.to);
  return {
    address: readAddress(family, address),
    port: raw.port,
    forwarding: forwardingOf(raw.method, tunnel),
    weight: raw.weight,
    upperThreshold: raw.upper,
    lowerThreshold: raw.lower,
    // Spelled out: copying with `...` takes as long as all the rest, and there may be 100,000 of them.
    counters: {
      active: raw.active,
      inactive: raw.inactive,
      persistent: raw.persistent,
      connections: traffic.connections,
      inPackets: traffic.inPackets,
      outPackets: traffic.outPackets,
      inBytes: traffic.inBytes,
      outBytes: traffic.outBytes,
    },
  };
}

function writeKeyFields(writer: ByteWriter, { address, port }: DestinationKey): void {
  writeAttribute(writer, attribute.address, () => writer.bytes(paddedAddress(address)));
  writeAttribute(writer, attribute.port, () => writer.be16(port));
  writeAttribute(writer, attribute.family, () => writer.u16(familyNumbers[familyOf(address)]));
}

/** Methods that nobody asks for: a local destination is one of address translation to us, anything else changes no address. */
function forwardingOf(
  number: number,
  tunnel: { readonly type: number; readonly port: number; readonly flags: number },
): Forwarding {
  if (number === method.masquerade || number === method.local) return { method: 'masquerade' };
  if (number !== method.tunnel) return { method: 'direct' };
  const encapsulation = encapsulations[tunnel.type] ?? 'ipip';
  const isPlain = encapsulation === 'ipip';
  return {
    method: 'tunnel',
    encapsulation,
    port: encapsulation === 'gue' ? tunnel.port : 0,
    checksum: isPlain ? 'none' : (tunnel.flags & 2) !== 0 ? 'remcsum' : (tunnel.flags & 1) !== 0 ? 'csum' : 'none',
  };
}

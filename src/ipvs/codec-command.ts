import { genericHeaderLength, walkAttributes, writeAttribute, writeGenericHeader } from '../netlink/mod.ts';
import type { ByteWriter, Message } from '../netlink/mod.ts';
import { readDestination, writeDestination, writeDestinationKey } from './codec-destination.ts';
import { readServer, topAttribute, writeServer, writeServerKey } from './codec-service.ts';
import { readU32 } from './codec-values.ts';
import type { IpvsOperation, IpvsTimeouts } from './port.ts';
import { serverFamily } from './validate.ts';
import type { ListedDestination, ServerKey, VirtualServer } from './virtual-server.ts';

/** `IPVS_GENL_NAME` and `IPVS_GENL_VERSION` (uapi/linux/ip_vs.h). */
export const ipvsFamilyName = 'IPVS';
const version = 1;

/** `IPVS_CMD_*`. */
const command = {
  'add-server': 1,
  'edit-server': 2,
  'delete-server': 3,
  getServer: 4,
  'add-destination': 5,
  'edit-destination': 6,
  'delete-destination': 7,
  getDestination: 8,
  setConfig: 12,
  getConfig: 13,
  getInfo: 15,
} as const;

/** `IPVS_INFO_ATTR_*`. */
const infoAttribute = { version: 1, connectionTableSize: 2 } as const;

/** The payload of the message that does an operation. */
export function writeOperation(writer: ByteWriter, operation: IpvsOperation): void {
  writeGenericHeader(writer, command[operation.verb], version);
  switch (operation.verb) {
    case 'add-server':
    case 'edit-server':
      writeServer(writer, operation.server);
      break;
    case 'delete-server':
      writeServerKey(writer, operation.key);
      break;
    case 'delete-destination':
      writeServerKey(writer, operation.key);
      writeDestinationKey(writer, operation.destination);
      break;
    default:
      writeServerKey(writer, operation.key);
      writeDestination(writer, operation.destination);
  }
}

/** Asks for one server, or in a dump without a key for all of them, of both families. */
export function writeServerQuery(writer: ByteWriter, key: ServerKey | null): void {
  writeGenericHeader(writer, command.getServer, version);
  if (key !== null) writeServerKey(writer, key);
}

/** Asks, in a dump, for the destinations of a server. */
export function writeDestinationQuery(writer: ByteWriter, key: ServerKey): void {
  writeGenericHeader(writer, command.getDestination, version);
  writeServerKey(writer, key);
}

export function writeInfoQuery(writer: ByteWriter): void {
  writeGenericHeader(writer, command.getInfo, version);
}

export function writeTimeoutsQuery(writer: ByteWriter): void {
  writeGenericHeader(writer, command.getConfig, version);
}

/** Sets idle times in seconds; the kernel leaves alone what is 0. */
export function writeTimeouts(writer: ByteWriter, { tcp, tcpFin, udp }: IpvsTimeouts): void {
  writeGenericHeader(writer, command.setConfig, version);
  writeAttribute(writer, topAttribute.timeoutTcp, () => writer.u32(tcp));
  writeAttribute(writer, topAttribute.timeoutTcpFin, () => writer.u32(tcpFin));
  writeAttribute(writer, topAttribute.timeoutUdp, () => writer.u32(udp));
}

/** The server in an answer, or null where the answer holds none that this room has words for. */
export function readServerAnswer(view: DataView, { start, end }: Message): VirtualServer | null {
  let server: VirtualServer | null = null;
  walkAttributes(view, start + genericHeaderLength, end, (type, from, to) => {
    if (type === topAttribute.service) server = readServer(view, from, to);
  });
  return server;
}

/** The destination in an answer about this server. */
export function readDestinationAnswer(view: DataView, { start, end }: Message, key: ServerKey): ListedDestination | null {
  let destination: ListedDestination | null = null;
  walkAttributes(view, start + genericHeaderLength, end, (type, from, to) => {
    if (type === topAttribute.destination) destination = readDestination(view, from, to, serverFamily(key));
  });
  return destination;
}

/** The version of IPVS as `1.2.1`, and the buckets of its connection table. */
export function readInfo(
  view: DataView,
  { start, end }: Message,
): { readonly version: string; readonly connectionTableSize: number } {
  let code = 0;
  let connectionTableSize = 0;
  walkAttributes(view, start + genericHeaderLength, end, (type, from) => {
    if (type === infoAttribute.version) code = readU32(view, from);
    else if (type === infoAttribute.connectionTableSize) connectionTableSize = readU32(view, from);
  });
  return { version: `${(code >> 16) & 0xff}.${(code >> 8) & 0xff}.${code & 0xff}`, connectionTableSize };
}

export function readTimeouts(view: DataView, { start, end }: Message): IpvsTimeouts {
  const timeouts = { tcp: 0, tcpFin: 0, udp: 0 };
  walkAttributes(view, start + genericHeaderLength, end, (type, from) => {
    if (type === topAttribute.timeoutTcp) timeouts.tcp = readU32(view, from);
    else if (type === topAttribute.timeoutTcpFin) timeouts.tcpFin = readU32(view, from);
    else if (type === topAttribute.timeoutUdp) timeouts.udp = readU32(view, from);
  });
  return timeouts;
}

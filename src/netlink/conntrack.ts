import { addressBytes, familyOf, protocolNumbers } from '../model/mod.ts';
import type { Address, Family } from '../model/mod.ts';
import { walkAttributes, writeAttribute, writeNested } from './attributes.ts';
import type { ByteWriter } from './bytes.ts';
import type { ConntrackFlow, ConntrackQuery } from './conntrack-port.ts';
import { familyNumbers, readAddressAt } from './ip-family.ts';
import type { Message } from './message.ts';

/** NFNL_SUBSYS_CTNETLINK in the upper byte, IPCTNL_MSG_CT_GET and _DELETE in the lower. */
export const conntrackTypes = { new: 0x1_00, get: 0x1_01, delete: 0x1_02 } as const;

/** `CTA_*` of uapi/linux/netfilter/nfnetlink_conntrack.h. */
const cta = { tupleOriginal: 1, tupleReply: 2, id: 12, zone: 18, filter: 25 } as const;
const ctaTuple = { ip: 1, protocol: 2, zone: 3 } as const;
const ctaIp = { IPv4: { source: 1, destination: 2 }, IPv6: { source: 3, destination: 4 } } as const;
const ctaProtocol = { number: 1, sourcePort: 2, destinationPort: 3 } as const;
const ctaFilter = { originalFlags: 1 } as const;
/** Which part of the original tuple a filter compares: its protocol number. */
const filterByProtocol = 1 << 3;

const headerLength = 4;

/** `struct nfgenmsg`: family, version 0, no resource id. */
function writeHeader(writer: ByteWriter, family: Family): void {
  writer.u8(familyNumbers[family]);
  writer.u8(0);
  writer.be16(0);
}

/**
 * The payload that asks for the entries of a family, with the protocol as a filter for the kernel where `filtered`.
 * Kernels before 5.8 do not look at the filter and list everything, so the reader has to filter all the same.
 */
export function writeQuery(writer: ByteWriter, { family, protocol }: ConntrackQuery, filtered: boolean): void {
  writeHeader(writer, family);
  if (!filtered) return;
  writeNested(writer, cta.tupleOriginal, () =>
    writeNested(writer, ctaTuple.protocol, () =>
      writeAttribute(writer, ctaProtocol.number, () => writer.u8(protocolNumbers[protocol])),
    ),
  );
  writeNested(writer, cta.filter, () => writeAttribute(writer, ctaFilter.originalFlags, () => writer.u32(filterByProtocol)));
}

/**
 * The payload that deletes one entry: its original tuple, zones and id. A delete without a tuple empties the whole
 * table, so there is no way to write one; an address of the wrong family throws for the same reason.
 */
export function writeDeletion(writer: ByteWriter, flow: ConntrackFlow): void {
  for (const address of [flow.source, flow.destination]) {
    if (familyOf(address) !== flow.family) throw new RangeError(`${address} is not an ${flow.family} address`);
  }
  writeHeader(writer, flow.family);
  writeNested(writer, cta.tupleOriginal, () => writeTuple(writer, flow));
  if (flow.zone !== 0) writeAttribute(writer, cta.zone, () => writer.be16(flow.zone));
  const { id } = flow;
  if (id !== null) writeAttribute(writer, cta.id, () => writer.be32(id));
}

function writeTuple(writer: ByteWriter, flow: ConntrackFlow): void {
  const types = ctaIp[flow.family];
  writeNested(writer, ctaTuple.ip, () => {
    writeAttribute(writer, types.source, () => writer.bytes(addressBytes(flow.source)));
    writeAttribute(writer, types.destination, () => writer.bytes(addressBytes(flow.destination)));
  });
  writeNested(writer, ctaTuple.protocol, () => {
    writeAttribute(writer, ctaProtocol.number, () => writer.u8(protocolNumbers[flow.protocol]));
    writeAttribute(writer, ctaProtocol.sourcePort, () => writer.be16(flow.sourcePort));
    writeAttribute(writer, ctaProtocol.destinationPort, () => writer.be16(flow.destinationPort));
  });
  if (flow.originalZone !== 0) writeAttribute(writer, ctaTuple.zone, () => writer.be16(flow.originalZone));
}

/** One direction of an entry; addresses are offsets until they are needed. */
interface Tuple {
  source: readonly [number, number] | null;
  destination: readonly [number, number] | null;
  protocol: number;
  sourcePort: number;
  destinationPort: number;
  zone: number;
}

/**
 * The flow that a message of a listing describes, if it is one that was asked for; null for any other, and for what
 * lacks an address. Addresses are turned into text only for flows that are wanted.
 */
export function readFlow(view: DataView, message: Message, query: ConntrackQuery): ConntrackFlow | null {
  const { start, end } = message;
  if (message.type !== conntrackTypes.new || end - start < headerLength) return null;
  if (view.getUint8(start) !== familyNumbers[query.family]) return null;
  let original: Tuple | null = null;
  let reply: Tuple | null = null;
  let zone = 0;
  let id: number | null = null;
  walkAttributes(view, start + headerLength, end, (type, from, to) => {
    if (type === cta.tupleOriginal) original = readTuple(view, from, to, query.family);
    else if (type === cta.tupleReply) reply = readTuple(view, from, to, query.family);
    else if (type === cta.zone && to - from >= 2) zone = view.getUint16(from);
    else if (type === cta.id && to - from >= 4) id = view.getUint32(from);
  });
  return makeFlow(view, query, original, reply, zone, id);
}

function makeFlow(
  view: DataView,
  query: ConntrackQuery,
  original: Tuple | null,
  reply: Tuple | null,
  zone: number,
  id: number | null,
): ConntrackFlow | null {
  const { family, protocol, destinationPorts } = query;
  if (original === null || reply === null || original.protocol !== protocolNumbers[protocol]) return null;
  if (!destinationPorts.has(original.destinationPort)) return null;
  const source = readAddress(view, original.source, family);
  const destination = readAddress(view, original.destination, family);
  const replySource = readAddress(view, reply.source, family);
  if (source === null || destination === null || replySource === null) return null;
  return {
    family,
    protocol,
    source,
    sourcePort: original.sourcePort,
    destination,
    destinationPort: original.destinationPort,
    replySource,
    replySourcePort: reply.sourcePort,
    zone,
    originalZone: original.zone,
    id,
  };
}

function readTuple(view: DataView, start: number, end: number, family: Family): Tuple {
  const tuple: Tuple = { source: null, destination: null, protocol: 0, sourcePort: 0, destinationPort: 0, zone: 0 };
  const types = ctaIp[family];
  walkAttributes(view, start, end, (type, from, to) => {
    if (type === ctaTuple.ip) {
      walkAttributes(view, from, to, (part, at, until) => {
        if (part === types.source) tuple.source = [at, until];
        else if (part === types.destination) tuple.destination = [at, until];
      });
    } else if (type === ctaTuple.protocol) {
      walkAttributes(view, from, to, (part, at, until) => {
        if (part === ctaProtocol.number && until > at) tuple.protocol = view.getUint8(at);
        else if (until - at < 2) return;
        else if (part === ctaProtocol.sourcePort) tuple.sourcePort = view.getUint16(at);
        else if (part === ctaProtocol.destinationPort) tuple.destinationPort = view.getUint16(at);
      });
    } else if (type === ctaTuple.zone && to - from >= 2) tuple.zone = view.getUint16(from);
  });
  return tuple;
}

function readAddress(view: DataView, span: readonly [number, number] | null, family: Family): Address | null {
  return span === null ? null : readAddressAt(view, span[0], span[1], family);
}

import { addressBytes, prefixContains, protocolNumbers } from '../model/mod.ts';
import type { Address, PacketWorld, TraceHost } from '../model/mod.ts';
import { compareBytes, isPrefix, isRange } from './datum.ts';
import type { Datum, FieldName, MatchStatement, MatchValue } from './expression.ts';
import { nfproto } from './fields.ts';
import type { KeyPart } from './transaction.ts';

/** `ARPHRD_ETHER`, `ARPHRD_LOOPBACK`. */
const linkTypes = { ethernet: 1, loopback: 772 } as const;
const synFlag = 0x02;
/** A checksum that is there; its value is nobody's business. */
const someChecksum = 1;

/** What the packet has in a field; null where it has no such field, so that the rule ends there. */
export function readField(field: FieldName, world: PacketWorld, host: TraceHost): Datum | null {
  const { packet, mark, inDevice, outDevice, link } = world;
  switch (field) {
    case 'ip saddr':
    case 'ip6 saddr':
      return ofFamily(field, packet.source, world);
    case 'ip daddr':
    case 'ip6 daddr':
      return ofFamily(field, packet.destination, world);
    case 'sport':
      return packet.sourcePort;
    case 'dport':
      return packet.destinationPort;
    case 'tcp flags':
      return packet.protocol === 'TCP' ? synFlag : null;
    case 'udp checksum':
      return packet.protocol === 'UDP' ? someChecksum : null;
    case 'l4proto':
      return protocolNumbers[packet.protocol];
    case 'nfproto':
      return packet.family === 'IPv4' ? nfproto.ipv4 : nfproto.ipv6;
    case 'mark':
      return mark;
    case 'iiftype':
      return inDevice === '' ? null : inDevice === 'lo' ? linkTypes.loopback : linkTypes.ethernet;
    case 'iifname':
      return inDevice;
    case 'oifname':
      return outDevice;
    case 'ether saddr':
      return link;
    case 'fib daddr type':
      return host.addressType(packet.destination);
    case 'fib saddr type':
      return host.addressType(packet.source);
    case 'icmp type':
    case 'icmpv6 type':
    case 'arp saddr ip':
    case 'arp daddr ip':
      return null;
    default:
      return readConnection(field, world);
  }
}

function ofFamily(field: FieldName, address: Address, { packet }: PacketWorld): Datum | null {
  return field.startsWith('ip6') === (packet.family === 'IPv6') ? address : null;
}

type ConnectionField = Extract<FieldName, `ct ${string}`>;

/** Fields of the connection; the words of state and status are compared by {@link matchesValue}. */
function readConnection(field: ConnectionField, world: PacketWorld): Datum | null {
  const { connection, packet } = world;
  if (field === 'ct state') return stateWords[connection.state];
  if (connection.state === 'none' || connection.state === 'untracked') return null;
  switch (field) {
    case 'ct status':
      return Object.entries({ dnat: connection.translated.destination, snat: connection.translated.source })
        .flatMap(([word, set]) => (set ? [word] : []))
        .join(' ');
    case 'ct direction':
      return 'original';
    case 'ct mark':
      return 0;
    case 'ct original proto-dst':
      return connection.original.destinationPort;
    case 'ct original ip saddr':
    case 'ct original ip6 saddr':
      return connection.original.source;
    case 'ct original ip daddr':
    case 'ct original ip6 daddr':
      return connection.original.destination;
    case 'ct reply ip saddr':
    case 'ct reply ip6 saddr':
      return packet.destination;
  }
}

/** nft_ct: without a connection the state is `invalid`, or `untracked` where a rule has said so. */
const stateWords = { none: 'invalid', untracked: 'untracked', new: 'new', established: 'established' } as const;

export function matches({ field, negated, value }: MatchStatement, world: PacketWorld, host: TraceHost): boolean {
  const found = readField(field, world, host);
  return found !== null && matchesValue(found, value) !== negated;
}

function matchesValue(found: Datum, value: MatchValue): boolean {
  if (typeof value !== 'object' || isPrefix(value) || isRange(value)) return isInside(found, value);
  if ('anyOf' in value) {
    return String(found)
      .split(' ')
      .some((word) => value.anyOf.includes(word));
  }
  if ('startsWith' in value) return String(found).startsWith(value.startsWith);
  return (Number(found) & value.mask) >>> 0 === value.equals;
}

/** Whether a value is, or is inside, a part of a key. Ranges are of numbers and of addresses. */
export function isInside(found: Datum, part: KeyPart): boolean {
  if (typeof part !== 'object') return found === part;
  if (isPrefix(part)) return prefixContains(part, found as Address);
  if (typeof found === 'number') return Number(part.from) <= found && found <= Number(part.to);
  const [from, at, to] = [part.from, found, part.to].map((one) => addressBytes(one as Address));
  return from !== undefined && at !== undefined && to !== undefined && compareBytes(from, at) <= 0 && compareBytes(at, to) <= 0;
}

import { formatRcode, formatType, rcode as codes } from './constants.ts';
import type { Peer } from './listen-contract.ts';
import { formatName, isWithin } from './name.ts';
import { textOf } from './peer-text.ts';
import type { Query } from './read-query.ts';
import type { LogRule } from './settings.ts';

/** One reply that was given. */
export interface LogEntry {
  /** Of the block that answered. */
  readonly rules: readonly LogRule[] | null;
  readonly peer: Peer;
  readonly query: Query;
  readonly stream: boolean;
  readonly requestSize: number;
  readonly rcode: number;
  /** The second 16 bits of the reply. */
  readonly flags: number;
  readonly responseSize: number;
  readonly seconds: number;
}

/** Names of header bits as logs of other servers have them, in their order. */
const flagNames = [
  [0x8000, 'qr'],
  [0x0400, 'aa'],
  [0x0200, 'tc'],
  [0x0100, 'rd'],
  [0x0080, 'ra'],
  [0x0020, 'ad'],
  [0x0010, 'cd'],
] as const;

/** Whether the rules of a block ask for this entry. */
export function isLogged({ rules, query, rcode, responseSize }: LogEntry): boolean {
  if (rules === null) return false;
  const name = query.name;
  const kind = classOf(rcode, responseSize);
  return rules.some(
    ({ zones, classes }) =>
      (classes.length === 0 || classes.includes(kind)) && (zones.length === 0 || zones.some((zone) => isWithin(name, zone))),
  );
}

function classOf(rcode: number, size: number): 'success' | 'denial' | 'error' {
  if (rcode === codes.NXDOMAIN) return 'denial';
  return rcode === codes.NOERROR && size > 0 ? 'success' : 'error';
}

/** `client:port - id "TYPE CLASS name proto size do bufsize" RCODE flags rsize seconds` (specification 20.2); names escaped. */
export function formatEntry({ peer, query, stream, requestSize, rcode, flags, responseSize, seconds }: LogEntry): string {
  const address = textOf(peer);
  const client = `${address.includes(':') ? `[${address}]` : address}:${peer.port}`;
  const className = query.class === 1 ? 'IN' : `CLASS${query.class}`;
  const name = query.nameLength === 0 ? '-' : formatName(query.name);
  const question = `${formatType(query.type)} ${className} ${name} ${stream ? 'tcp' : 'udp'} ${requestSize} ${query.dnssecOk} ${query.udpSize}`;
  const bits = flagNames.filter(([bit]) => (flags & bit) !== 0).map(([, flag]) => flag);
  return `${client} - ${query.id} "${question}" ${formatRcode(rcode)} ${bits.join()} ${responseSize} ${seconds.toFixed(9)}s`;
}

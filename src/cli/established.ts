import { formatAddress, formatEndpoint, parseAddress } from '../model/mod.ts';
import type { Address, Family } from '../model/mod.ts';

/**
 * How many connections to one of the destinations (`10.244.1.2:8080`) are being opened or are open, by what
 * `/proc/net/ip_vs_conn` says: protocol, client, virtual server, destination with hexadecimal ports, state. The counts of
 * the servers would not do: where another mode translates by itself, an answer to a client whose port an ended connection
 * had makes that one active again, as SYN_SENT, and a busy Service has such answers for ever. A destination of port 0
 * (`10.244.1.2:0`), as publications have, takes connections to all ports of its address.
 */
export function countEstablished(text: string, family: Family, destinations: ReadonlySet<string>): number {
  let count = 0;
  for (const line of text.split('\n')) {
    const [protocol, , , , , address = '', port = '', state] = line.split(/\s+/);
    if (protocol !== 'TCP' && protocol !== 'SCT') continue;
    if (state !== 'ESTABLISHED' && state !== 'SYN_RECV') continue;
    const parsed = readAddress(address, family);
    if (parsed === null) continue;
    const named = destinations.has(formatEndpoint(parsed, Number.parseInt(port, 16)));
    if (named || destinations.has(formatEndpoint(parsed, 0))) count += 1;
  }
  return count;
}

function readAddress(text: string, family: Family): Address | null {
  if (family === 'IPv6') return parseAddress(text.replaceAll(/[[\]]/g, ''));
  return /^[0-9A-F]{8}$/.test(text) ? formatAddress(Uint8Array.from(Buffer.from(text, 'hex'))) : null;
}

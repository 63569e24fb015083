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
  const lines = ['ESTABLISHED', 'SYN_RECV'].flatMap((state) => linesWith(text, ` ${state} `));
  return lines.filter((line) => {
    const [protocol, , , , , address = '', port = ''] = line.split(/\s+/);
    if (protocol !== 'TCP' && protocol !== 'SCT') return false;
    const parsed = readAddress(address, family);
    if (parsed === null) return false;
    const named = destinations.has(formatEndpoint(parsed, Number.parseInt(port, 16)));
    return named || destinations.has(formatEndpoint(parsed, 0));
  }).length;
}

/** A busy node has tens of thousands of lines, of connections that have ended nearly all of them: those are never split. */
function linesWith(text: string, word: string): readonly string[] {
  const lines: string[] = [];
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const end = text.indexOf('\n', at);
    lines.push(text.slice(text.lastIndexOf('\n', at) + 1, end < 0 ? undefined : end));
  }
  return lines;
}

function readAddress(text: string, family: Family): Address | null {
  if (family === 'IPv6') return parseAddress(text.replaceAll(/[[\]]/g, ''));
  return /^[0-9A-F]{8}$/.test(text) ? formatAddress(Uint8Array.from(Buffer.from(text, 'hex'))) : null;
}

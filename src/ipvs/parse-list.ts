import { fail, succeed } from '../model/mod.ts';
import type { Outcome, Protocol } from '../model/mod.ts';
import { parseAddressKey, parseEndpoint, parseMarkKey } from './parse-key.ts';
import type { IpvsTimeouts } from './port.ts';
import { destinationKeyText, serverKeyText } from './virtual-server.ts';
import type { ServerKey } from './virtual-server.ts';

/** The four numbers behind a destination in a listing, by the texts of the server's and of the destination's key. */
export type ListedNumbers = ReadonlyMap<string, ReadonlyMap<string, readonly [number, number, number, number]>>;

/**
 * Reads `ipvsadm -L -n --exact` with `--thresholds` (upper, lower, active, inactive) or with `--persistent-conn` (weight,
 * persistent, active, inactive), for all servers or for one. Fails with `WP_IPVS_UNREADABLE`, naming the line.
 */
export function parseListing(text: string): Outcome<ListedNumbers> {
  const servers = new Map<string, Map<string, readonly [number, number, number, number]>>();
  let current: Map<string, readonly [number, number, number, number]> | null = null;
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/);
    if (line.trim() === '' || isHeading(words)) continue;
    if (words[0] === '->') {
      const endpoint = parseEndpoint(words[1] ?? '');
      const numbers = words.slice(2).map(Number);
      if (endpoint === null || current === null || numbers.length !== 4 || !numbers.every(Number.isInteger))
        return unreadable(line);
      current.set(destinationKeyText(endpoint), numbers as unknown as readonly [number, number, number, number]);
    } else {
      const key = parseKey(words);
      if (key === null) return unreadable(line);
      current = new Map();
      servers.set(serverKeyText(key), current);
    }
  }
  return succeed(servers);
}

/** Reads the first line of a listing: `IP Virtual Server version 1.2.1 (size=4096)`. */
export function parseBanner(text: string): Outcome<{ readonly version: string; readonly connectionTableSize: number }> {
  const match = /^IP Virtual Server version ([0-9.]+) \(size=([0-9]+)\)/.exec(text);
  if (match === null) return unreadable(text.split('\n', 1)[0] ?? '');
  return succeed({ version: match[1] ?? '', connectionTableSize: Number(match[2]) });
}

/** Reads `ipvsadm -L --timeout`: `Timeout (tcp tcpfin udp): 900 120 300`. */
export function parseTimeouts(text: string): Outcome<IpvsTimeouts> {
  const match = /^Timeout \(tcp tcpfin udp\): ([0-9]+) ([0-9]+) ([0-9]+)$/m.exec(text);
  if (match === null) return unreadable(text.split('\n', 1)[0] ?? '');
  return succeed({ tcp: Number(match[1]), tcpFin: Number(match[2]), udp: Number(match[3]) });
}

function isHeading(words: readonly string[]): boolean {
  return words[0] === 'IP' || words[0] === 'Prot' || words[1] === 'RemoteAddress:Port';
}

function parseKey([first, second = '', third]: readonly string[]): ServerKey | null {
  if (first === 'FWM') return parseMarkKey(second, third === 'IPv6');
  return first === 'TCP' || first === 'UDP' || first === 'SCTP' ? parseAddressKey(first satisfies Protocol, second) : null;
}

function unreadable(line: string): { ok: false; problem: { code: `WP_${string}`; message: string } } {
  return fail('WP_IPVS_UNREADABLE', `not a line of an ipvsadm listing: "${line.slice(0, 200)}"`);
}

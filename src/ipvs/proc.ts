import { addressBits, fail, familyOf, formatAddress, parseAddress, succeed } from '../model/mod.ts';
import type { Outcome, Protocol } from '../model/mod.ts';
import { leadingOnes } from './codec-service.ts';
import type { DestinationKey, ServerKey } from './virtual-server.ts';

/** Of a mark, the file does not say the family. */
export type ProcServerKey = Extract<ServerKey, { kind: 'address' }> | { readonly kind: 'mark'; readonly mark: number };

export interface ProcDestination extends DestinationKey {
  readonly method: 'masquerade' | 'local' | 'tunnel' | 'direct' | 'bypass';
  readonly weight: number;
  readonly active: number;
  readonly inactive: number;
}

/** What `/proc/net/ip_vs` tells of a virtual server; not its scheduler flags, thresholds and tunnels. */
export interface ProcServer {
  readonly key: ProcServerKey;
  readonly scheduler: string;
  readonly onePacket: boolean;
  /** The time is in ticks of the kernel's clock, whose rate the file does not say; null where nothing persists. */
  readonly persistence: { readonly jiffies: number; readonly prefixLength: number } | null;
  /** Newest first. */
  readonly destinations: readonly ProcDestination[];
}

const methods: Readonly<Record<string, ProcDestination['method']>> = {
  Masq: 'masquerade',
  Local: 'local',
  Tunnel: 'tunnel',
  Route: 'direct',
  Bypass: 'bypass',
};

/**
 * Reads `/proc/net/ip_vs` (net/netfilter/ipvs/ip_vs_ctl.c, `ip_vs_info_seq_show`). Several times faster than asking a tool,
 * and enough for counters. Fails with `WP_IPVS_UNREADABLE`, naming the line.
 */
export function readProcServers(text: string): Outcome<readonly ProcServer[]> {
  const servers: (ProcServer & { readonly destinations: ProcDestination[] })[] = [];
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/);
    if (line.trim() === '' || words[0] === 'IP' || words[0] === 'Prot' || words[1] === 'RemoteAddress:Port') continue;
    if (words[0] === '->') {
      const destination = readDestination(words);
      const server = servers.at(-1);
      if (destination === null || server === undefined) return unreadable(line);
      server.destinations.push(destination);
    } else {
      const server = readServer(words);
      if (server === null) return unreadable(line);
      servers.push({ ...server, destinations: [] });
    }
  }
  return succeed(servers);
}

function readServer([kind = '', place = '', scheduler = '', ...rest]: readonly string[]): Omit<
  ProcServer,
  'destinations'
> | null {
  const key = readKey(kind, place);
  if (key === null || scheduler === '') return null;
  const onePacket = rest[0] === 'ops';
  const [word, jiffies = '', mask = ''] = onePacket ? rest.slice(1) : rest;
  if (word === undefined) return { key, scheduler, onePacket, persistence: null };
  if (word !== 'persistent' || !/^[0-9]+$/.test(jiffies) || !/^[0-9A-F]{8}$/.test(mask)) return null;
  return {
    key,
    scheduler,
    onePacket,
    persistence: { jiffies: Number(jiffies), prefixLength: readMask(key, Number.parseInt(mask, 16)) },
  };
}

function readKey(kind: string, place: string): ProcServerKey | null {
  if (kind === 'FWM') return /^[0-9A-F]{8}$/.test(place) ? { kind: 'mark', mark: Number.parseInt(place, 16) } : null;
  if (kind !== 'TCP' && kind !== 'UDP' && kind !== 'SCTP') return null;
  const endpoint = readEndpoint(place);
  return endpoint === null ? null : { kind: 'address', protocol: kind satisfies Protocol, ...endpoint };
}

/**
 * A mask for IPv4. For IPv6 the kernel turns the bytes of a prefix length round as if it were one: 64 is 40000000 on
 * little-endian machines. Of a mark, whose family is not said, 80000000 counts as 128 and not as a mask of one bit.
 */
function readMask(key: ProcServerKey, mask: number): number {
  if (key.kind === 'address' && familyOf(key.address) === 'IPv4') return leadingOnes(mask);
  const turned = (mask & 0xff_ff_ff) === 0 ? mask >>> 24 : mask;
  return turned >= 1 && turned <= addressBits('IPv6') ? turned : leadingOnes(mask);
}

function readEndpoint(text: string): DestinationKey | null {
  const match = /^(?:\[([0-9a-f:]+)\]|([0-9A-F]{8})):([0-9A-F]{4})$/.exec(text);
  if (match === null) return null;
  const hex = match[2];
  const address =
    hex === undefined
      ? parseAddress(match[1] ?? '')
      : formatAddress(Uint8Array.from([0, 2, 4, 6], (at) => Number.parseInt(hex.slice(at, at + 2), 16)));
  return address === null ? null : { address, port: Number.parseInt(match[3] ?? '', 16) };
}

function readDestination([, place = '', name = '', ...numbers]: readonly string[]): ProcDestination | null {
  const endpoint = readEndpoint(place);
  const method = methods[name];
  const [weight = Number.NaN, active = Number.NaN, inactive = Number.NaN] = numbers.map(Number);
  if (endpoint === null || method === undefined || ![weight, active, inactive].every(Number.isInteger)) return null;
  return { ...endpoint, method, weight, active, inactive };
}

function unreadable(line: string): { ok: false; problem: { code: `WP_${string}`; message: string } } {
  return fail('WP_IPVS_UNREADABLE', `not a line of /proc/net/ip_vs: "${line.slice(0, 200)}"`);
}

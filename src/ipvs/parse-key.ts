import { familyOf, parseAddress } from '../model/mod.ts';
import type { Protocol } from '../model/mod.ts';
import type { DestinationKey, ServerKey } from './virtual-server.ts';

/** Reads `10.0.0.1:80` or `[fd00::1]:80`; null for anything else. */
export function parseEndpoint(text: string): DestinationKey | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(text);
  const address = parseAddress(match?.[1] ?? match?.[2] ?? '');
  const port = Number(match?.[3]);
  return address === null || port > 65535 ? null : { address, port };
}

/** The key of a server for an address, from a text such as `10.0.0.1:80`. */
export function parseAddressKey(protocol: Protocol, text: string): ServerKey | null {
  const endpoint = parseEndpoint(text);
  return endpoint === null ? null : { kind: 'address', protocol, ...endpoint };
}

/** The key of a server for a mark. `ipvsadm` prints marks as signed numbers: those from 2^31 on are negative. */
export function parseMarkKey(text: string, isIpv6: boolean): ServerKey | null {
  const mark = /^-?[0-9]{1,10}$/.test(text) ? Number(text) : 0;
  if (mark === 0 || mark < -(2 ** 31) || mark >= 2 ** 32) return null;
  return { kind: 'mark', family: isIpv6 ? 'IPv6' : 'IPv4', mark: mark < 0 ? mark + 2 ** 32 : mark };
}

/** A prefix length from a number of bits or from a mask, whose leading ones count; null for anything else. */
export function parseMask(text: string): number | null {
  if (/^[0-9]{1,3}$/.test(text)) return Number(text) <= 128 ? Number(text) : null;
  const address = parseAddress(text);
  if (address === null || familyOf(address) !== 'IPv4') return null;
  const bits = address
    .split('.')
    .map((octet) => Number(octet).toString(2).padStart(8, '0'))
    .join('');
  return `${bits}0`.indexOf('0');
}

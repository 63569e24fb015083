import type { Family } from './family.ts';

declare const addressBrand: unique symbol;

/**
 * An IP address in canonical text: dotted decimal without leading zeros, or RFC 5952 lower case.
 * Two equal addresses are equal strings. Made only by {@link parseAddress}.
 */
export type Address = string & { readonly [addressBrand]: true };

/**
 * Reads an address the tolerant way Kubernetes does (Go's `ParseIPSloppy`): leading zeros in IPv4
 * octets are decimal, an IPv4-mapped IPv6 address is the IPv4 address, zones are refused.
 * Returns null for anything else.
 */
export function parseAddress(text: string): Address | null {
  if (isCanonicalIpv4(text)) return text as Address;
  const bytes = parseBytes(text);
  return bytes === null ? null : formatAddress(bytes);
}

/** The family of a canonical address. */
export function familyOf(address: Address): Family {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}

/** The 4 or 16 bytes of a canonical address, in network order. */
export function addressBytes(address: Address): Uint8Array {
  const bytes = parseBytes(address);
  if (bytes === null) throw new TypeError(`not an address: ${address}`);
  return bytes;
}

/** Canonical text of 4 or 16 bytes; 16 bytes that map an IPv4 address give the IPv4 text. */
export function formatAddress(bytes: Uint8Array): Address {
  const plain = unmap(bytes);
  return (plain.length === 4 ? plain.join('.') : formatIpv6(plain)) as Address;
}

/** True for 127.0.0.0/8 and ::1. */
export function isLoopback(address: Address): boolean {
  return address === '::1' || address.startsWith('127.');
}

/** Orders by text, which is stable and cheap; not numeric. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Nearly all addresses of a cluster are, and there may be hundreds of thousands. */
function isCanonicalIpv4(text: string): boolean {
  let octet = -1;
  let dots = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= 0x30 && code <= 0x39) {
      // Nothing follows a zero that begins an octet.
      if (octet === 0) return false;
      octet = Math.max(octet, 0) * 10 + code - 0x30;
      if (octet > 255) return false;
    } else {
      if (code !== 0x2e || octet < 0 || dots === 3) return false;
      dots += 1;
      octet = -1;
    }
  }
  return dots === 3 && octet >= 0;
}

function parseBytes(text: string): Uint8Array | null {
  if (!text.includes(':')) return parseIpv4(text);
  const bytes = parseIpv6(text);
  return bytes === null ? null : unmap(bytes);
}

function parseIpv4(text: string): Uint8Array | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  const bytes = new Uint8Array(4);
  for (const [index, part] of parts.entries()) {
    if (!/^[0-9]+$/.test(part)) return null;
    const value = Number(part);
    if (value > 255) return null;
    bytes[index] = value;
  }
  return bytes;
}

function parseIpv6(text: string): Uint8Array | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const head = parseGroups(halves[0] ?? '', halves.length === 1);
  if (head === null) return null;
  if (halves.length === 1) return head.length === 16 ? Uint8Array.from(head) : null;
  const tail = parseGroups(halves[1] ?? '', true);
  if (tail === null || head.length + tail.length > 14) return null;
  const bytes = new Uint8Array(16);
  bytes.set(head, 0);
  bytes.set(tail, 16 - tail.length);
  return bytes;
}

/** The bytes of colon-separated groups; the last may be dotted decimal where `endsAddress`. */
function parseGroups(text: string, endsAddress: boolean): number[] | null {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [index, group] of groups.entries()) {
    if (group.includes('.')) {
      const embedded = endsAddress && index === groups.length - 1 ? parseIpv4(group) : null;
      if (embedded === null) return null;
      bytes.push(...embedded);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return null;
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes;
}

function unmap(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== 16 || bytes[10] !== 0xff || bytes[11] !== 0xff) return bytes;
  return bytes.subarray(0, 10).every((byte) => byte === 0) ? bytes.subarray(12) : bytes;
}

function formatIpv6(bytes: Uint8Array): string {
  const groups: string[] = [];
  for (let at = 0; at < 16; at += 2) groups.push((((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)).toString(16));
  const { start, length } = longestZeroRun(groups);
  if (length < 2) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}

/** The first longest run of zero groups: the one RFC 5952 4.2.3 shortens. */
function longestZeroRun(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let at = 0; at <= groups.length; at += 1) {
    if (groups[at] === '0') continue;
    if (at - start > best.length) best = { start, length: at - start };
    start = at + 1;
  }
  return best;
}

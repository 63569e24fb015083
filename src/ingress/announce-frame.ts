import { addressBytes, familyOf } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';

/** The shortest Ethernet frame without its checksum; drivers of real cards expect nothing shorter from a packet socket. */
const shortestFrame = 60;
const etherTypes = { arp: 0x08_06, ipv6: 0x86_dd } as const;
const icmpv6 = 58;

/** What a new owner says: an IPv4 address by ARP, an IPv6 address by neighbour discovery. `source`: of the interface, if it has one. */
export function buildGreetings(address: Address, hardware: Uint8Array, source: Address | null): readonly Uint8Array[] {
  if (familyOf(address) === 'IPv6') return [buildAdvertisement(address, hardware, source ?? address)];
  // Some hosts take a gratuitous request for an update and some only a reply (RFC 5227, 3).
  return [buildArp(1, address, hardware), buildArp(2, address, hardware)];
}

/** A gratuitous ARP message (RFC 5944, 4.6): sender and target are the same protocol address. */
function buildArp(operation: 1 | 2, address: Address, hardware: Uint8Array): Uint8Array {
  const octets = addressBytes(address);
  const everybody = new Uint8Array(6).fill(0xff);
  const target = operation === 1 ? new Uint8Array(6) : hardware;
  const frame = new Uint8Array(shortestFrame);
  place(frame, [everybody, hardware, pair(etherTypes.arp)]);
  // Ethernet and IPv4, with addresses of 6 and 4 octets.
  place(frame.subarray(14), [pair(1), pair(0x08_00), Uint8Array.of(6, 4), pair(operation), hardware, octets, target, octets]);
  return frame;
}

/** An unsolicited neighbour advertisement to all nodes that overrides what they know (RFC 4861, 4.4 and 7.2.6). */
function buildAdvertisement(address: Address, hardware: Uint8Array, source: Address): Uint8Array {
  const target = addressBytes(address);
  const everybody = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
  const overrides = 0x20;
  const message = new Uint8Array(32);
  place(message, [Uint8Array.of(136, 0, 0, 0, overrides, 0, 0, 0), target, Uint8Array.of(2, 1), hardware]);
  const from = addressBytes(source);
  place(message.subarray(2), [pair(checksum([from, everybody, pair(0), pair(message.length), pair(0), pair(icmpv6), message]))]);
  const frame = new Uint8Array(14 + 40 + message.length);
  place(frame, [Uint8Array.of(0x33, 0x33, 0, 0, 0, 1), hardware, pair(etherTypes.ipv6)]);
  // Version 6; receivers drop advertisements with any other hop limit than 255.
  const header = [Uint8Array.of(0x60, 0, 0, 0), pair(message.length), Uint8Array.of(icmpv6, 255), from, everybody];
  place(frame.subarray(14), [...header, message]);
  return frame;
}

/** The Internet checksum (RFC 1071) of pieces of even length. */
function checksum(pieces: readonly Uint8Array[]): number {
  let sum = 0;
  for (const piece of pieces) for (let at = 0; at < piece.length; at += 2) sum += ((piece[at] ?? 0) << 8) | (piece[at + 1] ?? 0);
  while (sum > 0xff_ff) sum = (sum & 0xff_ff) + (sum >>> 16);
  return ~sum & 0xff_ff;
}

function pair(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

function place(into: Uint8Array, pieces: readonly Uint8Array[]): void {
  let at = 0;
  for (const piece of pieces) {
    into.set(piece, at);
    at += piece.length;
  }
}

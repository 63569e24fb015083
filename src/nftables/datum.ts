import type { ByteWriter } from '../netlink/mod.ts';
import { addressBits, addressBytes, formatAddress, parsePrefix } from '../model/mod.ts';
import type { Address, Prefix } from '../model/mod.ts';
import type { Datum, MatchValue, Range } from './expression.ts';
import { addressTypes, directions, wordOf } from './fields.ts';
import type { FieldKind } from './fields.ts';
import type { DatumType, KeyPart } from './transaction.ts';

/** Kinds of bytes: those of fields, and the parts of keys. */
export type DatumKind = FieldKind | DatumType;

const hostIsLittle = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
const nameLength = 16;

/** Bytes of a value; `length` is that of the field or type. Numbers of the kernel's own are in the machine's order. */
export function encodeDatum(kind: DatumKind, value: Datum, length: number): Uint8Array {
  switch (kind) {
    case 'ipv4':
      return encodeNumber(ipv4Number(String(value)), 4, false);
    case 'ipv6':
      return addressBytes(value as Address);
    case 'link':
      return Uint8Array.from(String(value).split(':'), (part) => Number.parseInt(part, 16));
    case 'interface': {
      const bytes = new Uint8Array(nameLength);
      bytes.set(new TextEncoder().encode(String(value)).subarray(0, nameLength - 1));
      return bytes;
    }
    case 'direction':
      return encodeNumber(directions[value] ?? Number(value), length, false);
    case 'address-type':
      return encodeNumber(addressTypes[value] ?? Number(value), length, hostIsLittle);
    default:
      return encodeNumber(Number(value), length, hostIsLittle && isHostOrder(kind));
  }
}

/** Writes what {@link encodeDatum} gives, without anything between: there may be hundreds of thousands of addresses and ports. */
export function writeDatum(writer: ByteWriter, kind: DatumKind, value: Datum, length: number): void {
  if (kind === 'ipv4') writer.be32(ipv4Number(String(value)));
  else if (kind === 'protocol') writer.u8(Number(value));
  else if (kind === 'random') writer.u32(Number(value));
  else if (length === 2) writer.be16(Number(value));
  else writer.bytes(encodeDatum(kind, value, length));
}

/** Canonical text needs no tolerance. */
function ipv4Number(text: string): number {
  let number = 0;
  let octet = 0;
  for (let index = 0; index < text.length; index += 1) {
    const digit = text.charCodeAt(index) - 48;
    if (digit >= 0) octet = octet * 10 + digit;
    else {
      number = number * 256 + octet;
      octet = 0;
    }
  }
  return number * 256 + octet;
}

/** Reads {@link encodeDatum} back; null where the bytes are not of the kind. */
export function decodeDatum(kind: DatumKind, bytes: Uint8Array): Datum | null {
  switch (kind) {
    case 'ipv4':
      return bytes.length === 4 ? `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}` : null;
    case 'ipv6':
      return bytes.length === 16 ? formatAddress(bytes) : null;
    case 'link':
      return bytes.length === 6 ? Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':') : null;
    case 'interface': {
      const end = bytes.indexOf(0);
      return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
    }
    case 'direction':
      return wordOf(directions, decodeNumber(bytes, false));
    case 'address-type':
      return wordOf(addressTypes, decodeNumber(bytes, hostIsLittle));
    default:
      return bytes.length > 4 ? null : decodeNumber(bytes, hostIsLittle && isHostOrder(kind));
  }
}

/** Marks, kinds of links, random numbers and bits of connection tracking are the kernel's own. */
function isHostOrder(kind: DatumKind): boolean {
  return kind === 'mark' || kind === 'link-type' || kind === 'random' || kind === 'state' || kind === 'status';
}

/** One to four bytes. */
function encodeNumber(value: number, length: number, little: boolean): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index += 1) {
    bytes[little ? index : length - 1 - index] = (value >>> (8 * index)) & 0xff;
  }
  return bytes;
}

function decodeNumber(bytes: Uint8Array, little: boolean): number {
  let value = 0;
  for (let index = 0; index < bytes.length; index += 1) {
    value = value * 256 + (bytes[little ? bytes.length - 1 - index : index] ?? 0);
  }
  return value;
}

/** Number of the kernel's own, in four bytes. */
export function encodeHostNumber(value: number): Uint8Array {
  return encodeNumber(value, 4, hostIsLittle);
}

export function decodeHostNumber(bytes: Uint8Array): number {
  return decodeNumber(bytes, hostIsLittle);
}

export function isPrefix(value: MatchValue): value is Prefix {
  return typeof value === 'object' && 'length' in value;
}

export function isRange(value: MatchValue): value is Range {
  return typeof value === 'object' && 'from' in value;
}

/** First and last value of a part of a key. */
export function boundsOf(kind: DatumType, part: KeyPart, length: number): { readonly from: Uint8Array; readonly to: Uint8Array } {
  if (isPrefix(part)) {
    const from = addressBytes(part.address);
    return { from, to: fillBehind(from, part.length) };
  }
  if (isRange(part)) return { from: encodeDatum(kind, part.from, length), to: encodeDatum(kind, part.to, length) };
  const from = encodeDatum(kind, part, length);
  return { from, to: from };
}

/** The part of a key with these bounds: a value, a prefix where it is one, or a range. */
export function partOf(kind: DatumType, from: Uint8Array, to: Uint8Array): KeyPart | null {
  const first = decodeDatum(kind, from);
  const last = to === from ? first : decodeDatum(kind, to);
  if (first === null || last === null) return null;
  if (first === last) return first;
  const prefix = kind === 'ipv4' || kind === 'ipv6' ? prefixOf(from, to) : null;
  return prefix ?? { from: first, to: last };
}

function prefixOf(from: Uint8Array, to: Uint8Array): Prefix | null {
  for (let length = 0; length < from.length * 8; length += 1) {
    if (!equalBytes(fillBehind(from, length), to)) continue;
    // A prefix whose address has bits behind its length is none.
    if (equalBytes(clearBehind(from, length), from)) return makePrefix(formatAddress(from), length);
  }
  return null;
}

/** A prefix of an address without host bits. */
export function makePrefix(address: Address, length: number): Prefix | null {
  return parsePrefix(`${address}/${length}`);
}

/** True for a prefix of a single address. */
export function isHost(prefix: Prefix): boolean {
  return prefix.length === addressBits(prefix.family);
}

function fillBehind(bytes: Uint8Array, length: number): Uint8Array {
  return bytes.map((byte, index) => byte | (0xff >> Math.max(0, Math.min(8, length - index * 8))));
}

function clearBehind(bytes: Uint8Array, length: number): Uint8Array {
  return bytes.map((byte, index) => byte & maskByte(length - index * 8));
}

/** The mask of a prefix in bytes. */
export function maskOf(length: number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, index) => maskByte(length - index * 8));
}

function maskByte(bits: number): number {
  return 0xff & (0xff00 >> Math.max(0, Math.min(8, bits)));
}

/** The next value, or null behind the last one. */
export function nextOf(bytes: Uint8Array): Uint8Array | null {
  const next = Uint8Array.from(bytes);
  for (let index = next.length - 1; index >= 0; index -= 1) {
    const byte = next[index] ?? 0;
    next[index] = (byte + 1) & 0xff;
    if (byte !== 0xff) return next;
  }
  return null;
}

/** The value before. Never asked of the first one. */
export function previousOf(bytes: Uint8Array): Uint8Array {
  const previous = Uint8Array.from(bytes);
  for (let index = previous.length - 1; index >= 0; index -= 1) {
    const byte = previous[index] ?? 0;
    previous[index] = (byte - 1) & 0xff;
    if (byte !== 0) break;
  }
  return previous;
}

export function equalBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

export function compareBytes(one: Uint8Array, other: Uint8Array): number {
  for (const [index, byte] of one.entries()) {
    const difference = byte - (other[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return one.length - other.length;
}

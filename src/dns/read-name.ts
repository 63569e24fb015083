import { longestName, rootName } from './name.ts';
import type { Name } from './name.ts';

/** A name that was read, and where the octets behind it begin. */
export interface ReadName {
  readonly name: Name;
  readonly next: number;
}

/**
 * Reads a name at `at` of a message that begins at `start` and ends before `end`. Null where it is cut off, longer than 255
 * octets, has a label type other than RFC 1035's, or a pointer that does not point backwards (so that no chain is endless).
 */
export function readName(bytes: Uint8Array, start: number, end: number, at: number): ReadName | null {
  let name = '';
  let next = -1;
  let barrier = at;
  for (;;) {
    if (at >= end) return null;
    const length = bytes[at] ?? 0;
    if (length === 0) {
      return { name: name + rootName, next: next < 0 ? at + 1 : next };
    }
    if (length >= 0xc0) {
      if (at + 1 >= end) return null;
      if (next < 0) next = at + 2;
      const target = start + (((length & 0x3f) << 8) | (bytes[at + 1] ?? 0));
      if (target >= barrier) return null;
      barrier = target;
      at = target;
      continue;
    }
    if (length > 63 || at + 1 + length > end || name.length + length + 2 > longestName) return null;
    name += latin1(bytes, at, at + 1 + length);
    at += 1 + length;
  }
}

/** Octets as a text of the same length. */
export function latin1(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');
}

/** The octets of a text whose characters are octets. */
export function octetsOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index += 1) bytes[index] = text.charCodeAt(index);
  return bytes;
}

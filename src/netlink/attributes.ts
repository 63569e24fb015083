import { alignUp, bytesOf, readU16 } from './bytes.ts';
import type { ByteWriter } from './bytes.ts';

/** `NLA_F_NESTED`: the value is itself a list of attributes. */
const nestedFlag = 0x80_00;
/** `NLA_F_NET_BYTEORDER`: the value is in network order. */
const networkOrderFlag = 0x40_00;

const typeMask = 0x3f_ff;
const headerLength = 4;
const longest = 0xff_ff;

/**
 * Writes an attribute (`struct nlattr`) whose value `body` writes, and pads it. Throws where the value does not fit
 * the 16-bit length: splitting is the caller's work.
 */
export function writeAttribute(writer: ByteWriter, type: number, body: (writer: ByteWriter) => void): void {
  const start = writer.length;
  writer.u16(0);
  writer.u16(type);
  body(writer);
  const length = writer.length - start;
  if (length > longest) throw new RangeError(`attribute ${type & typeMask} has ${length} bytes; netlink allows ${longest}`);
  writer.patchU16(start, length);
  writer.align();
}

/** Writes an attribute that holds attributes. */
export function writeNested(writer: ByteWriter, type: number, body: (writer: ByteWriter) => void): void {
  writeAttribute(writer, type | nestedFlag, body);
}

/** Where an attribute's value begins and ends, and its type without flags. */
export type VisitAttribute = (type: number, start: number, end: number, flags: number) => void;

/**
 * Calls `visit` for each attribute between two offsets. False where the bytes are not a list of attributes: what was
 * whole has been visited.
 */
export function walkAttributes(view: DataView, start: number, end: number, visit: VisitAttribute): boolean {
  let at = start;
  while (at + headerLength <= end) {
    const length = readU16(view, at);
    if (length < headerLength || at + length > end) return false;
    const type = readU16(view, at + 2);
    visit(type & typeMask, at + headerLength, at + length, type & ~typeMask);
    at += alignUp(length);
  }
  // Fewer bytes than a header may only be padding that the last attribute left out.
  return at >= end;
}

/** An attribute as a value: a number of bytes, or attributes in it. For what is written or read rarely. */
export interface Attribute {
  readonly type: number;
  readonly networkOrder?: boolean;
  readonly value: Uint8Array | readonly Attribute[];
}

/** Writes attributes one after the other. */
export function writeAttributes(writer: ByteWriter, attributes: readonly Attribute[]): void {
  for (const { type, networkOrder, value } of attributes) {
    const flags = networkOrder === true ? networkOrderFlag : 0;
    if (value instanceof Uint8Array) writeAttribute(writer, type | flags, () => writer.bytes(value));
    else writeNested(writer, type | flags, () => writeAttributes(writer, value));
  }
}

/**
 * Reads a list of attributes, following those that say they are nested; null where the bytes are none. Values are
 * copies.
 */
export function readAttributes(view: DataView, start: number, end: number): readonly Attribute[] | null {
  const attributes: Attribute[] = [];
  let whole = true;
  const walked = walkAttributes(view, start, end, (type, from, to, flags) => {
    const value = (flags & nestedFlag) === 0 ? bytesOf(view, from, to).slice() : readAttributes(view, from, to);
    if (value === null) whole = false;
    else attributes.push({ type, ...((flags & networkOrderFlag) === 0 ? {} : { networkOrder: true }), value });
  });
  return walked && whole ? attributes : null;
}

import { walkAttributes } from '../netlink/mod.ts';
import type { ByteWriter } from '../netlink/mod.ts';

/** NLA_F_NESTED. */
const nested = 0x80_00;

const encoder = new TextEncoder();

/** A 32-bit attribute, which nf_tables has in network order. */
export function writeNumber(writer: ByteWriter, type: number, value: number): void {
  writer.u16(8);
  writer.u16(type);
  writer.be32(value);
}

/** A 64-bit attribute. */
export function writeLong(writer: ByteWriter, type: number, value: number): void {
  writer.u16(12);
  writer.u16(type);
  writer.be32(Math.floor(value / 2 ** 32));
  writer.be32(value % 2 ** 32);
}

export function writeBytes(writer: ByteWriter, type: number, value: Uint8Array): void {
  writer.u16(4 + value.length);
  writer.u16(type);
  writer.bytes(value);
  writer.align();
}

/** Text with its closing zero. */
export function writeText(writer: ByteWriter, type: number, value: string): void {
  const bytes = encoder.encode(value);
  writer.u16(5 + bytes.length);
  writer.u16(type);
  writer.bytes(bytes);
  writer.u8(0);
  writer.align();
}

/** Begins a nest by hand, where there are too many for a function each. */
export function beginNest(writer: ByteWriter, type: number): number {
  const start = writer.length;
  writer.u16(0);
  writer.u16(type | nested);
  return start;
}

export function endNest(writer: ByteWriter, start: number): void {
  writer.patchU16(start, writer.length - start);
}

/** Attributes of one level by type, as views; of several with one type the last. Null where the bytes are no attributes. */
export function readAttributes(view: DataView): ReadonlyMap<number, DataView> | null {
  const found = new Map<number, DataView>();
  const whole = walkAttributes(view, 0, view.byteLength, (type, start, end) => {
    found.set(type, subview(view, start, end));
  });
  return whole ? found : null;
}

/** The attributes of a nest that all have the same type, in order. */
export function readList(view: DataView | undefined): readonly DataView[] {
  const found: DataView[] = [];
  if (view !== undefined) {
    walkAttributes(view, 0, view.byteLength, (_type, start, end) => found.push(subview(view, start, end)));
  }
  return found;
}

export function subview(view: DataView, start: number, end: number): DataView {
  return new DataView(view.buffer, view.byteOffset + start, end - start);
}

export function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** A 32-bit number in network order, or the default. */
export function readNumber(view: DataView | undefined, otherwise = 0): number {
  return view === undefined || view.byteLength < 4 ? otherwise : view.getUint32(0);
}

/** A 64-bit number, or null. */
export function readLong(view: DataView | undefined): number | null {
  return view === undefined || view.byteLength < 8 ? null : view.getUint32(0) * 2 ** 32 + view.getUint32(4);
}

/** Text up to its closing zero. */
export function readText(view: DataView | undefined): string {
  if (view === undefined) return '';
  const bytes = bytesOf(view);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Entries of userdata: a type and a length of one byte each. */
export function readUserdata(view: DataView | undefined): ReadonlyMap<number, DataView> {
  const found = new Map<number, DataView>();
  if (view === undefined) return found;
  for (let at = 0; at + 2 <= view.byteLength;) {
    const end = at + 2 + view.getUint8(at + 1);
    if (end > view.byteLength) break;
    found.set(view.getUint8(at), subview(view, at + 2, end));
    at = end;
  }
  return found;
}

/** Userdata that holds a comment and nothing else. */
export function commentBytes(type: number, comment: string): Uint8Array {
  const text = encoder.encode(comment);
  const bytes = new Uint8Array(text.length + 3);
  bytes.set([type, text.length + 1]);
  bytes.set(text, 2);
  return bytes;
}

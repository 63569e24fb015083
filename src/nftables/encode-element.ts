import type { ByteWriter } from '../netlink/mod.ts';
import { datumTypes, keyLength } from './datum-type.ts';
import { boundsOf, nextOf, writeDatum } from './datum.ts';
import { writeVerdict } from './encode-rule.ts';
import { partLength } from './encode-set.ts';
import type { Datum } from './expression.ts';
import type { DatumType, Element, SetDefinition } from './transaction.ts';
import { beginNest, commentBytes, endNest, writeBytes, writeLong, writeNumber } from './wire-attribute.ts';
import { commentUserdata, dataAttribute, elementAttribute, intervalEnd, item } from './wire-names.ts';

/**
 * Writes an element as the items of a list. A single interval has two, where it begins and the value behind its end; an
 * interval of a concatenation has a first and a last key in one. `identity` leaves away what deletion does not ask.
 */
export function writeElement(writer: ByteWriter, set: SetDefinition, element: Element, identity: boolean): void {
  const bounds = set.interval ? keysOf(set, element) : null;
  const start = beginNest(writer, item);
  if (bounds === null) writeParts(writer, elementAttribute.key, set.key, element.key as readonly Datum[]);
  else {
    writeData(writer, elementAttribute.key, bounds.from);
    if (set.key.length > 1) writeData(writer, elementAttribute.keyEnd, bounds.to);
  }
  if (!identity) writeDetails(writer, set, element);
  endNest(writer, start);
  const behind = bounds === null || set.key.length > 1 ? null : nextOf(bounds.to);
  if (behind === null) return;
  const end = beginNest(writer, item);
  writeData(writer, elementAttribute.key, behind);
  writeNumber(writer, elementAttribute.flags, intervalEnd);
  endNest(writer, end);
}

function writeDetails(writer: ByteWriter, set: SetDefinition, { value, timeoutSeconds, comment }: Element): void {
  if (value !== undefined) {
    if ('kind' in value) {
      const data = beginNest(writer, elementAttribute.data);
      writeVerdict(writer, value);
      endNest(writer, data);
    } else if (set.value !== null && set.value !== 'verdict') {
      writeParts(writer, elementAttribute.data, set.value, value);
    }
  }
  if (timeoutSeconds !== undefined) writeLong(writer, elementAttribute.timeout, timeoutSeconds * 1000);
  if (comment !== undefined) writeBytes(writer, elementAttribute.userdata, commentBytes(commentUserdata, comment));
}

/** A key without intervals, or a value: the parts of a concatenation in registers of their own. Very many, so nothing is allocated. */
function writeParts(writer: ByteWriter, type: number, types: readonly DatumType[], values: readonly Datum[]): void {
  const start = beginNest(writer, type);
  const inner = writer.length;
  writer.u16(0);
  writer.u16(dataAttribute.value);
  for (let index = 0; index < types.length; index += 1) {
    const kind = types[index];
    const value = values[index];
    if (kind === undefined || value === undefined) throw new TypeError(`element of ${types.length} parts without part ${index}`);
    writeDatum(writer, kind, value, datumTypes[kind].length);
    if (types.length > 1) writer.align();
  }
  endNest(writer, inner);
  writer.align();
  endNest(writer, start);
}

function writeData(writer: ByteWriter, type: number, bytes: Uint8Array): void {
  const start = beginNest(writer, type);
  writeBytes(writer, dataAttribute.value, bytes);
  endNest(writer, start);
}

/** First and last key of an element; without intervals they are the same. */
export function keysOf(
  { key, interval }: SetDefinition,
  element: Element,
): { readonly from: Uint8Array; readonly to: Uint8Array } {
  const single = key.length === 1;
  const from = new Uint8Array(keyLength(key));
  const to = interval ? new Uint8Array(from.length) : from;
  let at = 0;
  for (let index = 0; index < key.length; index += 1) {
    const type = key[index];
    const part = element.key[index];
    if (type === undefined || part === undefined) throw new TypeError(`element of ${key.length} parts without part ${index}`);
    const bounds = boundsOf(type, part, datumTypes[type].length);
    from.set(bounds.from, at);
    if (interval) to.set(bounds.to, at);
    at += partLength(type, single);
  }
  return { from, to };
}

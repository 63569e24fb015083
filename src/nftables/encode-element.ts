import type { ByteWriter } from '../netlink/mod.ts';
import { datumTypes, keyLength } from './datum-type.ts';
import { boundsOf, encodeDatum, nextOf } from './datum.ts';
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
  const { from, to } = keysOf(set, element);
  const start = beginNest(writer, item);
  writeData(writer, elementAttribute.key, from);
  if (set.interval && set.key.length > 1) writeData(writer, elementAttribute.keyEnd, to);
  if (!identity) writeDetails(writer, set, element);
  endNest(writer, start);
  if (!set.interval || set.key.length > 1) return;
  const behind = nextOf(to);
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
      writeData(writer, elementAttribute.data, concatenate(set.value, value));
    }
  }
  if (timeoutSeconds !== undefined) writeLong(writer, elementAttribute.timeout, timeoutSeconds * 1000);
  if (comment !== undefined) writeBytes(writer, elementAttribute.userdata, commentBytes(commentUserdata, comment));
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

function concatenate(types: readonly DatumType[], values: readonly Datum[]): Uint8Array {
  const bytes = new Uint8Array(keyLength(types));
  let at = 0;
  for (const [index, type] of types.entries()) {
    bytes.set(encodeDatum(type, values[index] ?? 0, datumTypes[type].length), at);
    at += partLength(type, types.length === 1);
  }
  return bytes;
}

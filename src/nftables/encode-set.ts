import { writeNested } from '../netlink/mod.ts';
import type { ByteWriter } from '../netlink/mod.ts';
import { byteOrder, datumTypes, keyLength, needsTypeof, registerLength, typeNumber } from './datum-type.ts';
import type { DatumType, SetDefinition } from './transaction.ts';
import { beginNest, commentBytes, endNest, writeBytes, writeLong, writeNumber } from './wire-attribute.ts';
import { descriptionAttribute, item, setAttribute, setFlag, setUserdata, verdictType } from './wire-names.ts';

/** Expressions in userdata: of a verdict and of a concatenation (libnftables `enum expr_types`). */
const verdictExpression = 1;
const concatenation = 13;

/** Writes what a set is. `id` tells the sets of one batch apart. */
export function writeSet(writer: ByteWriter, set: SetDefinition, id: number): void {
  const { key, value, interval, size, timeoutSeconds } = set;
  writeNumber(writer, setAttribute.flags, setFlags(set));
  writeNumber(writer, setAttribute.keyType, typeNumber(key));
  writeNumber(writer, setAttribute.keyLength, keyLength(key));
  if (value !== null) {
    writeNumber(writer, setAttribute.dataType, value === 'verdict' ? verdictType : typeNumber(value));
    writeNumber(writer, setAttribute.dataLength, value === 'verdict' ? 0 : keyLength(value));
  }
  writeNumber(writer, setAttribute.id, id);
  writeNested(writer, setAttribute.description, (description) => {
    if (size !== null) writeNumber(description, descriptionAttribute.size, size);
    if (interval && key.length > 1) writeConcatenation(description, key);
  });
  if (timeoutSeconds !== null) writeLong(writer, setAttribute.timeout, timeoutSeconds * 1000);
  writeBytes(writer, setAttribute.userdata, userdataOf(set));
}

function setFlags({ key, value, interval, dynamic, timeout, constant }: SetDefinition): number {
  return (
    (constant ? setFlag.constant : 0) |
    (interval ? setFlag.interval : 0) |
    (interval && key.length > 1 ? setFlag.concat : 0) |
    (value === null ? 0 : setFlag.map) |
    (timeout ? setFlag.timeout : 0) |
    (dynamic ? setFlag.eval : 0)
  );
}

/** Intervals of concatenations need to know where the parts begin (`NFTA_SET_DESC_CONCAT`). */
function writeConcatenation(writer: ByteWriter, key: readonly DatumType[]): void {
  const list = beginNest(writer, descriptionAttribute.concatenation);
  for (const type of key) {
    const field = beginNest(writer, item);
    writeNumber(writer, 1, datumTypes[type].length);
    endNest(writer, field);
  }
  endNest(writer, list);
}

/** What tools want to know to print the set, and the kernel only keeps. */
function userdataOf({ key, value, comment }: SetDefinition): Uint8Array {
  const parts = [orderData(setUserdata.keyOrder, key)];
  if (value !== null) parts.push(orderData(setUserdata.dataOrder, value === 'verdict' ? [] : value));
  if (needsTypeof(key)) {
    parts.push(entry(setUserdata.keyTypeof, typeofData(key)));
    if (value === 'verdict') parts.push(entry(setUserdata.dataTypeof, expression(verdictExpression, [])));
    else if (value !== null) parts.push(entry(setUserdata.dataTypeof, typeofData(value)));
  }
  if (comment !== null) parts.push(commentBytes(setUserdata.comment, comment));
  return join(parts);
}

/** A concatenation and a verdict have no order of their own. */
function orderData(type: number, types: readonly DatumType[]): Uint8Array {
  const [only] = types;
  const order = only === undefined || types.length > 1 ? byteOrder.none : datumTypes[only].order;
  return entry(type, Uint8Array.of(order, 0, 0, 0));
}

function typeofData(types: readonly DatumType[]): Uint8Array {
  const [only] = types;
  if (only !== undefined && types.length === 1) return example(only);
  return expression(concatenation, join(types.map((type, index) => entry(index, example(type)))));
}

function example(type: DatumType): Uint8Array {
  const { kind, parts } = datumTypes[type].expression;
  return expression(kind, join(parts.map((part, index) => entry(index, Uint8Array.of(part, 0, 0, 0)))));
}

/** An expression: its kind, and what its kind knows. */
function expression(kind: number, data: Uint8Array | readonly number[]): Uint8Array {
  return join([entry(0, Uint8Array.of(kind, 0, 0, 0)), entry(1, Uint8Array.from(data))]);
}

function entry(type: number, data: Uint8Array): Uint8Array {
  return join([Uint8Array.of(type, data.length), data]);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Bytes that a part of a concatenation takes. */
export function partLength(type: DatumType, single: boolean): number {
  return single ? datumTypes[type].length : registerLength(datumTypes[type].length);
}

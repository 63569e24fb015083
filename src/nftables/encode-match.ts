import { writeNested } from '../netlink/mod.ts';
import type { ByteWriter } from '../netlink/mod.ts';
import { addressBytes } from '../model/mod.ts';
import type { Prefix } from '../model/mod.ts';
import { encodeDatum, encodeHostNumber, isHost, isPrefix, isRange, maskOf } from './datum.ts';
import { keyRegister, lengthOf, loadSource, writeExpression, writeValue } from './encode-source.ts';
import type { FieldName, MatchStatement, Range } from './expression.ts';
import { fields, stateBits, statusBits } from './fields.ts';
import { writeNumber } from './wire-attribute.ts';
import { compare } from './wire-names.ts';

/** Writes a comparison: a field into a register, masked where bits are asked for, and the comparison itself. */
export function writeMatch(writer: ByteWriter, { field, negated, value }: MatchStatement): void {
  const { kind } = fields[field];
  const length = lengthOf(field);
  if (typeof value !== 'object') {
    loadSource(writer, field, 0);
    return writeCompare(writer, encodeDatum(kind, value, length), negated);
  }
  if (isPrefix(value)) return writePrefix(writer, field, value, negated);
  loadSource(writer, field, 0);
  if (isRange(value)) return writeRange(writer, field, value, negated);
  if ('startsWith' in value) return writeCompare(writer, new TextEncoder().encode(value.startsWith), negated);
  if ('anyOf' in value) {
    const words = kind === 'state' ? stateBits : statusBits;
    const bits = value.anyOf.reduce((sum, word) => sum | (words[word] ?? 0), 0);
    writeMask(writer, encodeHostNumber(bits));
    return writeCompare(writer, encodeHostNumber(0), true);
  }
  writeMask(writer, encodeDatum(kind, value.mask, length));
  writeCompare(writer, encodeDatum(kind, value.equals, length), negated);
}

/** A prefix of whole bytes is a comparison of these bytes alone. */
function writePrefix(writer: ByteWriter, field: FieldName, prefix: Prefix, negated: boolean): void {
  const address = addressBytes(prefix.address);
  const bytes = prefix.length / 8;
  if (Number.isInteger(bytes) && bytes > 0 && fields[field].load.from === 'payload') {
    loadSource(writer, field, 0, bytes);
    return writeCompare(writer, address.subarray(0, bytes), negated);
  }
  loadSource(writer, field, 0);
  if (!isHost(prefix)) writeMask(writer, maskOf(prefix.length, address.length));
  writeCompare(writer, address, negated);
}

function writeRange(writer: ByteWriter, field: FieldName, { from, to }: Range, negated: boolean): void {
  const { kind } = fields[field];
  const first = encodeDatum(kind, from, lengthOf(field));
  const last = encodeDatum(kind, to, lengthOf(field));
  if (!negated) {
    writeComparison(writer, compare.greaterOrEqual, first);
    return writeComparison(writer, compare.lessOrEqual, last);
  }
  writeExpression(writer, 'range', (body) => {
    writeNumber(body, 1, keyRegister);
    writeNumber(body, 2, compare.notEqual);
    writeNested(body, 3, (data) => writeValue(data, first));
    writeNested(body, 4, (data) => writeValue(data, last));
  });
}

function writeCompare(writer: ByteWriter, bytes: Uint8Array, negated: boolean): void {
  writeComparison(writer, negated ? compare.notEqual : compare.equal, bytes);
}

function writeComparison(writer: ByteWriter, operator: number, bytes: Uint8Array): void {
  writeExpression(writer, 'cmp', (body) => {
    writeNumber(body, 1, keyRegister);
    writeNumber(body, 2, operator);
    writeNested(body, 3, (data) => writeValue(data, bytes));
  });
}

function writeMask(writer: ByteWriter, mask: Uint8Array): void {
  writeExpression(writer, 'bitwise', (body) => {
    writeNumber(body, 1, keyRegister);
    writeNumber(body, 2, keyRegister);
    writeNumber(body, 3, mask.length);
    writeNested(body, 4, (data) => writeValue(data, mask));
    writeNested(body, 5, (data) => writeValue(data, new Uint8Array(mask.length)));
  });
}

import { writeNested } from '../netlink/mod.ts';
import type { ByteWriter } from '../netlink/mod.ts';
import { registerLength } from './datum-type.ts';
import type { Source } from './expression.ts';
import { fields } from './fields.ts';
import { writeBytes, writeNumber, writeText } from './wire-attribute.ts';
import { addressTypeResult, dataAttribute, item, randomType } from './wire-names.ts';

/** The verdict has a register of its own. */
export const verdictRegister = 0;
/** Every key and value begins in the first register of data. */
export const keyRegister = 1;

/**
 * Number of the register at an offset in bytes, as the kernel itself says it: those of sixteen bytes are 1 to 4, those
 * of four bytes 8 to 23, over the same bytes.
 */
export function registerOf(offset: number): number {
  return offset % 16 === 0 ? 1 + offset / 16 : 8 + offset / 4;
}

/** Writes an expression by name (`NFTA_EXPR_NAME`, `NFTA_EXPR_DATA`). */
export function writeExpression(writer: ByteWriter, name: string, body: (writer: ByteWriter) => void): void {
  writeNested(writer, item, (expression) => {
    writeText(expression, 1, name);
    writeNested(expression, 2, body);
  });
}

/** A value as data (`NFTA_DATA_VALUE`). */
export function writeValue(writer: ByteWriter, bytes: Uint8Array): void {
  writeBytes(writer, dataAttribute.value, bytes);
}

/** Loads the parts of a key one behind the other, each padded to registers of four bytes. Returns their length. */
export function loadKey(writer: ByteWriter, key: readonly Source[]): number {
  let offset = 0;
  for (const source of key) {
    loadSource(writer, source, offset);
    offset += registerLength(lengthOf(source));
  }
  return offset;
}

export function lengthOf(source: Source): number {
  return typeof source === 'string' ? fields[source].load.length : 4;
}

export function loadSource(writer: ByteWriter, source: Source, offset: number, length = lengthOf(source)): void {
  const register = registerOf(offset);
  if (typeof source !== 'string') {
    return writeExpression(writer, 'numgen', (body) => {
      writeNumber(body, 1, register);
      writeNumber(body, 2, source.modulus);
      writeNumber(body, 3, randomType);
      writeNumber(body, 4, 0);
    });
  }
  const { load } = fields[source];
  writeExpression(writer, load.from, (body) => {
    switch (load.from) {
      case 'payload':
        writeNumber(body, 1, register);
        writeNumber(body, 2, load.base);
        writeNumber(body, 3, load.offset);
        return writeNumber(body, 4, length);
      case 'meta':
        writeNumber(body, 2, load.key);
        return writeNumber(body, 1, register);
      case 'ct':
        writeNumber(body, 2, load.key);
        writeNumber(body, 1, register);
        if (load.direction !== null) writeBytes(body, 3, Uint8Array.of(load.direction));
        return;
      case 'fib':
        writeNumber(body, 3, load.flags);
        writeNumber(body, 2, addressTypeResult);
        return writeNumber(body, 1, register);
    }
  });
}

import { writeNested } from '../netlink/mod.ts';
import type { ByteWriter } from '../netlink/mod.ts';
import { addressBytes } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';
import { completeStatements } from './complete-rule.ts';
import { datumTypes, registerLength } from './datum-type.ts';
import { encodeDatum, encodeHostNumber } from './datum.ts';
import { writeMatch } from './encode-match.ts';
import { keyRegister, loadKey, loadSource, registerOf, verdictRegister, writeExpression, writeValue } from './encode-source.ts';
import type {
  ClampStatement,
  DnatStatement,
  MapLookup,
  MarkStatement,
  RejectStatement,
  RewriteStatement,
  Statement,
  UpdateStatement,
  Verdict,
} from './expression.ts';
import { rewrites } from './fields.ts';
import type { TableFamily } from './transaction.ts';
import { writeBytes, writeLong, writeNumber, writeText } from './wire-attribute.ts';
import {
  dataAttribute,
  dynsetOperations,
  familyNumbers,
  fullyRandomFlag,
  hostToNetwork,
  invertFlag,
  rejectCodes,
  resetType,
  routeSegmentSize,
  segmentOption,
  verdictAttribute,
  verdictCodes,
} from './wire-names.ts';

/** Statements as a list of expressions (`NFTA_LIST_ELEM` each), as libnftables would write them. */
export function writeStatements(writer: ByteWriter, family: TableFamily, statements: readonly Statement[]): void {
  for (const statement of completeStatements(family, statements)) writeStatement(writer, family, statement);
}

function writeStatement(writer: ByteWriter, family: TableFamily, statement: Statement): void {
  switch (statement.kind) {
    case 'match':
      return writeMatch(writer, statement);
    case 'lookup':
      loadKey(writer, statement.key);
      return writeLookup(writer, statement.set, null, statement.negated);
    case 'mark':
      return writeMark(writer, statement.to);
    case 'vmap':
      loadKey(writer, statement.key);
      return writeLookup(writer, statement.map, verdictRegister, false);
    case 'update':
      return writeUpdate(writer, statement);
    case 'reject':
      return writeReject(writer, family, statement.with);
    case 'masquerade':
      return writeExpression(writer, 'masq', (body) => {
        if (statement.fullyRandom) writeNumber(body, 1, fullyRandomFlag);
      });
    case 'dnat':
      return writeDnat(writer, family, statement);
    case 'rewrite':
      return writeRewrite(writer, statement);
    case 'clamp':
      return writeClamp(writer, statement);
    case 'counter':
    case 'notrack':
      return writeExpression(writer, statement.kind, () => {});
    default:
      return writeImmediate(writer, verdictRegister, (body) => writeVerdict(body, statement));
  }
}

/** `destination` null: a question whether the key is there. */
function writeLookup(writer: ByteWriter, set: string, destination: number | null, negated: boolean): void {
  writeExpression(writer, 'lookup', (body) => {
    writeText(body, 1, set);
    writeNumber(body, 2, keyRegister);
    if (destination !== null) writeNumber(body, 3, destination);
    if (negated) writeNumber(body, 5, invertFlag);
  });
}

function writeMapLookup(writer: ByteWriter, { key, map }: MapLookup): void {
  loadKey(writer, key);
  writeLookup(writer, map, keyRegister, false);
}

function writeMark(writer: ByteWriter, to: MarkStatement['to']): void {
  if (typeof to === 'number') writeImmediate(writer, keyRegister, (body) => writeValue(body, encodeHostNumber(to)));
  else if ('map' in to) writeMapLookup(writer, to);
  else {
    loadSource(writer, 'mark', 0);
    writeExpression(writer, 'bitwise', (body) => {
      writeNumber(body, 1, keyRegister);
      writeNumber(body, 2, keyRegister);
      writeNumber(body, 3, 4);
      writeNested(body, 4, (data) => writeValue(data, encodeHostNumber(to.mask)));
      writeNested(body, 5, (data) => writeValue(data, encodeHostNumber(to.xor)));
    });
  }
  writeExpression(writer, 'meta', (body) => {
    writeNumber(body, 2, 3);
    writeNumber(body, 3, keyRegister);
  });
}

function writeUpdate(writer: ByteWriter, { operation, set, key, timeoutSeconds, value }: UpdateStatement): void {
  const length = loadKey(writer, key);
  // The tool takes the next whole register of sixteen bytes for the value.
  const data = (length + 15) & ~15;
  if (value !== null) loadSource(writer, value, data);
  writeExpression(writer, 'dynset', (body) => {
    writeText(body, 1, set);
    writeNumber(body, 3, dynsetOperations[operation]);
    writeNumber(body, 4, keyRegister);
    if (value !== null) writeNumber(body, 5, registerOf(data));
    if (timeoutSeconds !== null) writeLong(body, 6, timeoutSeconds * 1000);
  });
}

function writeReject(writer: ByteWriter, family: TableFamily, how: RejectStatement['with']): void {
  const { type, codes } = rejectCodes[family];
  writeExpression(writer, 'reject', (body) => {
    writeNumber(body, 1, how === 'tcp-reset' ? resetType : type);
    writeBytes(body, 2, Uint8Array.of(how === 'tcp-reset' ? 0 : codes[how]));
  });
}

function writeDnat(writer: ByteWriter, family: TableFamily, { to }: DnatStatement): void {
  const address = family === 'ip6' ? datumTypes.ipv6.length : datumTypes.ipv4.length;
  let port: number | null = registerLength(address);
  if ('map' in to) writeMapLookup(writer, to);
  else {
    const { address: fixed, port: number } = to;
    writeImmediate(writer, keyRegister, (body) => writeValue(body, addressBytes(fixed as Address)));
    // A fixed port has a whole register of its own.
    port = number === null ? null : 16;
    if (number !== null) writeImmediate(writer, registerOf(16), (body) => writeValue(body, encodeDatum('port', number, 2)));
  }
  writeExpression(writer, 'nat', (body) => {
    writeNumber(body, 1, 1);
    writeNumber(body, 2, familyNumbers[family]);
    writeNumber(body, 3, keyRegister);
    if (port !== null) writeNumber(body, 5, registerOf(port));
  });
}

function writeRewrite(writer: ByteWriter, { field, to }: RewriteStatement): void {
  const { kind, base, offset, length, checksum, flags } = rewrites[field];
  if (typeof to === 'object') writeMapLookup(writer, to);
  else writeImmediate(writer, keyRegister, (body) => writeValue(body, encodeDatum(kind, to, length)));
  writeExpression(writer, 'payload', (body) => {
    writeNumber(body, 5, keyRegister);
    writeNumber(body, 2, base);
    writeNumber(body, 3, offset);
    writeNumber(body, 4, length);
    writeNumber(body, 6, checksum.type);
    writeNumber(body, 7, checksum.offset);
    writeNumber(body, 8, flags);
  });
}

/** The size of the option for the largest segment: two octets behind its kind and length (RFC 9293, 3.7.1). */
function writeClamp(writer: ByteWriter, { size }: ClampStatement): void {
  if (size === 'route') {
    writeExpression(writer, 'rt', (body) => {
      writeNumber(body, 1, keyRegister);
      writeNumber(body, 2, routeSegmentSize);
    });
    writeExpression(writer, 'byteorder', (body) => {
      writeNumber(body, 1, keyRegister);
      writeNumber(body, 2, keyRegister);
      writeNumber(body, 3, hostToNetwork);
      writeNumber(body, 4, 2);
      writeNumber(body, 5, 2);
    });
  } else writeImmediate(writer, keyRegister, (body) => writeValue(body, encodeDatum('port', size, 2)));
  writeExpression(writer, 'exthdr', (body) => {
    writeNumber(body, 7, keyRegister);
    writeBytes(body, 2, Uint8Array.of(segmentOption.kind));
    writeNumber(body, 3, segmentOption.offset);
    writeNumber(body, 4, segmentOption.length);
    writeNumber(body, 6, segmentOption.operation);
  });
}

function writeImmediate(writer: ByteWriter, register: number, value: (writer: ByteWriter) => void): void {
  writeExpression(writer, 'immediate', (body) => {
    writeNumber(body, 1, register);
    writeNested(body, 2, value);
  });
}

/** A verdict as data (`NFTA_DATA_VERDICT`). */
export function writeVerdict(writer: ByteWriter, verdict: Verdict): void {
  writeNested(writer, dataAttribute.verdict, (body) => {
    writeNumber(body, verdictAttribute.code, verdictCodes[verdict.kind]);
    if (verdict.kind === 'jump' || verdict.kind === 'goto') writeText(body, verdictAttribute.chain, verdict.chain);
  });
}

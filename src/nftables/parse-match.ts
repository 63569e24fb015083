import { parseAddress } from '../model/mod.ts';
import { makePrefix } from './datum.ts';
import type { Datum, FieldName, MatchValue, Statement } from './expression.ts';
import { addressTypes, directions, fields, stateBits, statusBits, wordOf, wordsOf } from './fields.ts';
import { asRecord, parseSource, parseSources } from './parse-source.ts';
import type { Json, JsonRecord } from './parse-source.ts';

const operators: ReadonlySet<unknown> = new Set(['==', '!=', 'in', '!']);

/** Reads `{ op, left, right }`: a comparison, or a look into a named set. */
export function parseMatch(record: JsonRecord | null): Statement | null {
  const operator = record?.['op'];
  const right = record?.['right'];
  if (record === null || right === undefined || !operators.has(operator)) return null;
  const negated = operator === '!=';
  if (typeof right === 'string' && right.startsWith('@')) {
    const key = parseSources(record['left']);
    return key === null ? null : { kind: 'lookup', key, negated, set: right.slice(1) };
  }
  const masked = asRecord(record['left'])?.['&'];
  if (Array.isArray(masked)) return parseMasked(masked as readonly Json[], right, negated);
  const field = parseSource(record['left']);
  if (typeof field !== 'string') return null;
  // Of flags, `in` is at least one of them and `!` none of them.
  if ((operator === 'in' || operator === '!') && fields[field].kind === 'number') {
    return parseMasked([record['left'] ?? null, right], 0, operator === 'in');
  }
  if (operator === '!') return null;
  const value = operator === 'in' ? parseWords(field, right) : parseValue(field, right);
  return value === null ? null : { kind: 'match', field, negated, value };
}

function parseMasked([left, bits]: readonly Json[], right: Json, negated: boolean): Statement | null {
  const field = parseSource(left);
  const mask = sumBits(bits);
  const equals = sumBits(right);
  if (typeof field !== 'string' || mask === null || equals === null) return null;
  return { kind: 'match', field, negated, value: { mask, equals } };
}

/** A number, or several flags: a list of numbers, plainly or under `|`. */
function sumBits(value: Json | undefined): number | null {
  const list = asRecord(value)?.['|'] ?? value;
  const numbers: readonly unknown[] = Array.isArray(list) ? list : [list];
  const bits = numbers.filter((number) => typeof number === 'number');
  return bits.length === numbers.length ? bits.reduce((sum, bit) => (sum | bit) >>> 0, 0) : null;
}

function parseWords(field: FieldName, right: Json): MatchValue | null {
  const { kind } = fields[field];
  const words = kind === 'state' ? stateBits : kind === 'status' ? statusBits : {};
  const anyOf = wordsOf(words, sumBits(right) ?? 0);
  return anyOf === null || anyOf.length === 0 ? null : { anyOf };
}

function parseValue(field: FieldName, right: Json): MatchValue | null {
  const { kind } = fields[field];
  if (typeof right === 'string' || typeof right === 'number') {
    if (kind === 'state' || kind === 'status') return null;
    if (kind === 'interface' && typeof right === 'string' && right.endsWith('*')) return { startsWith: right.slice(0, -1) };
    return parseDatum(field, right);
  }
  const prefix = asRecord(asRecord(right)?.['prefix']);
  if (kind === 'mark') return parseMarkPrefix(prefix);
  return parsePrefixJson(prefix) ?? parseRange(asRecord(right)?.['range'], (value) => parseDatum(field, value));
}

/** Leading bits of a mark are a prefix to the tool. */
function parseMarkPrefix(record: JsonRecord | null): MatchValue | null {
  const address = record?.['addr'];
  const length = record?.['len'];
  if (typeof address !== 'number' || typeof length !== 'number' || length < 1) return null;
  return { mask: (0xff_ff_ff_ff << (32 - length)) >>> 0, equals: address };
}

function parseDatum(field: FieldName, value: Datum): Datum | null {
  const { kind } = fields[field];
  if (kind === 'direction') return typeof value === 'number' ? wordOf(directions, value) : value;
  if (kind === 'address-type') return typeof value === 'number' ? wordOf(addressTypes, value) : value;
  return value;
}

/** `{ addr, len }`. */
export function parsePrefixJson(record: JsonRecord | null): MatchValue | null {
  const address = record?.['addr'];
  const length = record?.['len'];
  const parsed = typeof address === 'string' ? parseAddress(address) : null;
  return parsed === null || typeof length !== 'number' ? null : makePrefix(parsed, length);
}

/** `[ from, to ]`. */
export function parseRange(value: Json | undefined, read: (end: Datum) => Datum | null): { from: Datum; to: Datum } | null {
  if (!Array.isArray(value)) return null;
  const [first, last] = value as readonly Json[];
  const from = typeof first === 'string' || typeof first === 'number' ? read(first) : null;
  const to = typeof last === 'string' || typeof last === 'number' ? read(last) : null;
  return from === null || to === null ? null : { from, to };
}

import { formatAddress } from '../model/mod.ts';
import { decodeDatum, decodeHostNumber, equalBytes, makePrefix, maskOf } from './datum.ts';
import { dataOf } from './decode-register.ts';
import type { LoadedSource, RegisterFile } from './decode-register.ts';
import { lengthOf } from './encode-source.ts';
import type { FieldName, MatchStatement, MatchValue } from './expression.ts';
import { fields, stateBits, statusBits, wordsOf } from './fields.ts';
import { readNumber } from './wire-attribute.ts';
import { compare } from './wire-names.ts';

type Attributes = ReadonlyMap<number, DataView>;

/** Reads a comparison; of a range the first half leaves its bound in the register. */
export function decodeComparison(name: string, body: Attributes, registers: RegisterFile): MatchStatement | 'register' | null {
  const register = readNumber(body.get(1));
  const loaded = registers.take(register);
  const operator = readNumber(body.get(2));
  const first = dataOf(body.get(3));
  if (loaded?.kind !== 'source' || typeof loaded.source !== 'string' || first === null) return null;
  if (name === 'range') {
    const last = dataOf(body.get(4));
    return operator !== compare.notEqual || last === null ? null : makeMatch(loaded.source, true, rangeOf(loaded, first, last));
  }
  if (operator === compare.greaterOrEqual) return registers.put(register, { ...loaded, from: first });
  if (operator === compare.lessOrEqual) {
    return loaded.from === null ? null : makeMatch(loaded.source, false, rangeOf(loaded, loaded.from, first));
  }
  if (loaded.from !== null || (operator !== compare.equal && operator !== compare.notEqual)) return null;
  return decodeEquality(loaded, loaded.source, operator === compare.notEqual, first);
}

function makeMatch(field: FieldName, negated: boolean, value: MatchValue | null): MatchStatement | null {
  return value === null ? null : { kind: 'match', field, negated, value };
}

function rangeOf({ source, mask }: LoadedSource, first: Uint8Array, last: Uint8Array): MatchValue | null {
  if (typeof source !== 'string' || mask !== null) return null;
  const from = decodeDatum(fields[source].kind, first);
  const to = decodeDatum(fields[source].kind, last);
  return from === null || to === null ? null : { from, to };
}

function decodeEquality(loaded: LoadedSource, field: FieldName, negated: boolean, bytes: Uint8Array): MatchStatement | null {
  const { kind } = fields[field];
  const length = lengthOf(field);
  if (loaded.mask !== null) return decodeMasked(loaded, field, negated, bytes);
  if (loaded.length < length) return makeMatch(field, negated, prefixOf(bytes, loaded.length * 8, length));
  if (kind === 'interface' && bytes.length < length) {
    return makeMatch(field, negated, { startsWith: new TextDecoder().decode(bytes) });
  }
  return bytes.length === length ? makeMatch(field, negated, decodeDatum(kind, bytes)) : null;
}

function decodeMasked(loaded: LoadedSource, field: FieldName, negated: boolean, bytes: Uint8Array): MatchStatement | null {
  const { mask, xor } = loaded;
  if (mask === null || xor === null || xor.some((byte) => byte !== 0)) return null;
  const { kind } = fields[field];
  switch (kind) {
    case 'ipv4':
    case 'ipv6': {
      const length = prefixLength(mask);
      return length === null ? null : makeMatch(field, negated, prefixOf(bytes, length, mask.length));
    }
    case 'state':
    case 'status': {
      const words = wordsOf(kind === 'state' ? stateBits : statusBits, decodeHostNumber(mask));
      if (words === null || !negated || bytes.some((byte) => byte !== 0)) return null;
      return makeMatch(field, false, { anyOf: words });
    }
    default: {
      const bits = decodeDatum(kind, mask);
      const equals = decodeDatum(kind, bytes);
      return typeof bits === 'number' && typeof equals === 'number' ? makeMatch(field, negated, { mask: bits, equals }) : null;
    }
  }
}

/** The prefix of which these are the first bytes. */
function prefixOf(bytes: Uint8Array, bits: number, length: number): MatchValue | null {
  const address = new Uint8Array(length);
  address.set(bytes.subarray(0, length));
  return makePrefix(formatAddress(address), bits);
}

function prefixLength(mask: Uint8Array): number | null {
  for (let length = 0; length <= mask.length * 8; length += 1) {
    if (equalBytes(maskOf(length, mask.length), mask)) return length;
  }
  return null;
}

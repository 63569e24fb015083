import { datumTypes, needsTypeof } from './datum-type.ts';
import { isPrefix, isRange } from './datum.ts';
import type { Datum, Verdict } from './expression.ts';
import { parsePrefixJson, parseRange } from './parse-match.ts';
import { asRecord } from './parse-source.ts';
import type { Json, JsonRecord } from './parse-source.ts';
import type { ElementState } from './port.ts';
import type { DatumType, KeyPart, SetDefinition } from './transaction.ts';

/** What the tool says of a set in text only. */
export interface SetHeader {
  readonly dynamic: boolean;
  /** What its `typeof` says of the value, or null. */
  readonly valueExample: string | null;
}

const knownFlags = new Set(['constant', 'interval', 'timeout', 'dynamic']);

/** Reads a set or map as the tool lists it; null where its types or flags are none of ours. */
export function parseSet(record: JsonRecord, header: SetHeader): SetDefinition | null {
  const key = parseTypes(record['type']);
  const listed = record['flags'];
  const flags: readonly Json[] = Array.isArray(listed) ? (listed as readonly Json[]) : listed === undefined ? [] : [listed];
  const value = parseValueTypes(record['map'], key ?? [], header);
  const name = record['name'];
  if (key === null || value === undefined || typeof name !== 'string' || !flags.every((flag) => knownFlags.has(String(flag)))) {
    return null;
  }
  return {
    name,
    key,
    value,
    interval: flags.includes('interval'),
    dynamic: header.dynamic || flags.includes('dynamic'),
    timeout: flags.includes('timeout'),
    timeoutSeconds: typeof record['timeout'] === 'number' ? record['timeout'] : null,
    constant: flags.includes('constant'),
    size: typeof record['size'] === 'number' ? record['size'] : null,
    comment: typeof record['comment'] === 'string' ? record['comment'] : null,
  };
}

/** A word, words joined by dots, or a list of words. */
function parseTypes(value: Json | undefined): readonly DatumType[] | null {
  const words = typeof value === 'string' ? value.split(' . ') : Array.isArray(value) ? value.map(String) : [];
  const types: DatumType[] = [];
  for (const word of words) {
    const type = (Object.keys(datumTypes) as DatumType[]).find((name) => datumTypes[name].word === word);
    if (type === undefined) return null;
    types.push(type);
  }
  return types.length === 0 ? null : types;
}

/** Null for a set; undefined for types that are unknown. */
function parseValueTypes(
  value: Json | undefined,
  key: readonly DatumType[],
  { valueExample }: SetHeader,
): SetDefinition['value'] | undefined {
  if (value === undefined) return null;
  if (value === 'verdict') return 'verdict';
  const types = parseTypes(value);
  if (types === null) return undefined;
  if (!needsTypeof(key) || valueExample === null) return types;
  const examples = valueExample.split(' . ');
  return types.map((type, index) => {
    const named = (['tcp port', 'udp port', 'sctp port'] as const).find((name) => datumTypes[name].example === examples[index]);
    return type === 'port' && named !== undefined ? named : type;
  });
}

/** Reads an element of a set or map; null where it is not of the set's types. */
export function parseElement(set: SetDefinition, json: Json): ElementState | null {
  const pair = set.value === null ? null : Array.isArray(json) ? (json as readonly Json[]) : [];
  const left = pair === null ? json : pair[0];
  const wrapped = asRecord(asRecord(left)?.['elem']);
  const key = parseKey(set, wrapped === null ? left : wrapped['val']);
  const value = set.value === null ? undefined : parseElementValue(set.value, pair?.[1]);
  if (key === null || value === null) return null;
  const { timeout, expires, comment } = wrapped ?? {};
  return {
    key,
    ...(value === undefined ? {} : { value }),
    ...(typeof timeout === 'number' && timeout !== set.timeoutSeconds ? { timeoutSeconds: timeout } : {}),
    ...(typeof expires === 'number' ? { expiresSeconds: expires } : {}),
    ...(typeof comment === 'string' ? { comment } : {}),
  };
}

function parseKey(set: SetDefinition, json: Json | undefined): readonly KeyPart[] | null {
  const concatenated = asRecord(json)?.['concat'];
  const parts: readonly (Json | undefined)[] = Array.isArray(concatenated) ? (concatenated as readonly Json[]) : [json];
  const key: KeyPart[] = [];
  for (const part of parts) {
    const parsed = parsePart(part);
    if (parsed === null) return null;
    key.push(parsed);
  }
  return key.length === set.key.length ? key : null;
}

function parsePart(json: Json | undefined): KeyPart | null {
  if (typeof json === 'string' || typeof json === 'number') return json;
  const record = asRecord(json);
  const part = parsePrefixJson(asRecord(record?.['prefix'])) ?? parseRange(record?.['range'], (end) => end);
  return part !== null && typeof part === 'object' && (isPrefix(part) || isRange(part)) ? part : null;
}

function parseElementValue(types: readonly DatumType[] | 'verdict', json: Json | undefined): readonly Datum[] | Verdict | null {
  if (types === 'verdict') return parseVerdict(asRecord(json));
  const concatenated = asRecord(json)?.['concat'];
  const parts: readonly unknown[] = Array.isArray(concatenated) ? concatenated : [json];
  const values = parts.filter((part): part is Datum => typeof part === 'string' || typeof part === 'number');
  return values.length === types.length && parts.length === types.length ? values : null;
}

function parseVerdict(record: JsonRecord | null): Verdict | null {
  const [kind = '', body = null] = Object.entries(record ?? {})[0] ?? [];
  const target = asRecord(body)?.['target'];
  if (kind === 'accept' || kind === 'drop' || kind === 'return') return { kind };
  return (kind === 'jump' || kind === 'goto') && typeof target === 'string' ? { kind, chain: target } : null;
}

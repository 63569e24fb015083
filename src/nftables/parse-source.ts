import type { FieldName, Source } from './expression.ts';
import { fields } from './fields.ts';

/** A value of the tool's JSON. */
export type Json = string | number | boolean | null | readonly Json[] | JsonRecord;
export interface JsonRecord {
  readonly [name: string]: Json;
}

/** An object, or null for anything else. */
export function asRecord(value: Json | undefined): JsonRecord | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonRecord) : null;
}

/** Protocols whose ports lie where the others have theirs. */
const protocols: Readonly<Record<string, number>> = { tcp: 6, udp: 17, sctp: 132 };

/** A field or a random index; null for anything else. */
export function parseSource(value: Json | undefined): Source | null {
  const record = asRecord(value);
  const [kind = '', body = null] = Object.entries(record ?? {})[0] ?? [];
  const inner = asRecord(body);
  if (inner === null) return null;
  switch (kind) {
    case 'payload':
      return fieldBy(`${parseProtocol(inner)} ${String(inner['field'])}`);
    case 'meta':
      return fieldBy(String(inner['key'])) ?? fieldBy(`meta ${String(inner['key'])}`);
    case 'ct':
      return fieldBy(`ct ${inner['dir'] === undefined ? '' : `${String(inner['dir'])} `}${String(inner['key'])}`);
    case 'fib':
      return inner['result'] === 'type' ? fieldBy(`fib ${String(inner['flags'])} type`) : null;
    case 'numgen': {
      const modulus = inner['mod'];
      const plain = inner['mode'] === 'random' && (inner['offset'] ?? 0) === 0 && typeof modulus === 'number';
      return plain ? { kind: 'random', modulus } : null;
    }
    default:
      return null;
  }
}

/** Ports are written `th dport` here, whatever protocol they are known to be of. */
function parseProtocol(payload: JsonRecord): string {
  const protocol = String(payload['protocol']);
  return protocol in protocols && (payload['field'] === 'sport' || payload['field'] === 'dport') ? 'th' : protocol;
}

function fieldBy(text: string): FieldName | null {
  return (Object.keys(fields) as FieldName[]).find((field) => fields[field].text === text) ?? null;
}

/** The parts of a key, concatenated or single. */
export function parseSources(value: Json | undefined): readonly Source[] | null {
  const parts = asRecord(value)?.['concat'];
  const list: readonly (Json | undefined)[] = Array.isArray(parts) ? (parts as readonly Json[]) : [value];
  const sources: Source[] = [];
  for (const part of list) {
    const source = parseSource(part);
    if (source === null) return null;
    sources.push(source);
  }
  return sources.length === 0 ? null : sources;
}

/** The transport protocol that a statement takes for granted by the name of a port, or null. */
export function protocolOf(value: Json): number | null {
  if (Array.isArray(value)) {
    return (value as readonly Json[]).map(protocolOf).find((found) => found !== null) ?? null;
  }
  const record = asRecord(value);
  if (record === null) return null;
  // What a rewrite changes is said by its own name.
  if ('mangle' in record) return protocolOf(asRecord(record['mangle'])?.['value'] ?? null);
  const payload = asRecord(record['payload']);
  if (payload !== null) return parseProtocol(payload) === 'th' ? (protocols[String(payload['protocol'])] ?? null) : null;
  return (
    Object.values(record)
      .map(protocolOf)
      .find((found) => found !== null) ?? null
  );
}

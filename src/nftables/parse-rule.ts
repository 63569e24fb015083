import { parseMatch } from './parse-match.ts';
import { asRecord, parseSource, parseSources, protocolOf } from './parse-source.ts';
import type { Json, JsonRecord } from './parse-source.ts';
import { toldBy } from './complete-rule.ts';
import type { MapLookup, MarkStatement, RewriteStatement, Statement, UpdateStatement } from './expression.ts';
import { fields, rewrites } from './fields.ts';

type Field = Extract<UpdateStatement['key'][number], string>;

/**
 * Reads a rule as the tool lists it in JSON (libnftables-json(5)) with numbers for words; null where it says something
 * outside our vocabulary. The tool leaves out matches that a field implies, and says `tcp dport` where it knows the
 * protocol: such a match is put back in front.
 */
export function parseStatements(expressions: readonly Json[]): readonly Statement[] | null {
  const statements: Statement[] = [];
  for (const expression of expressions) {
    const statement = typeof expression === 'string' ? parseUpdate(expression) : parseStatement(asRecord(expression));
    if (statement === null) return null;
    const protocol = protocolOf(expression);
    const known = statements.some((before) => toldBy(before)?.field === 'l4proto' && toldBy(before)?.value === protocol);
    if (protocol !== null && !known) statements.push({ kind: 'match', field: 'l4proto', negated: false, value: protocol });
    statements.push(statement);
  }
  return statements;
}

function parseStatement(record: JsonRecord | null): Statement | null {
  const [name = '', body = null] = Object.entries(record ?? {})[0] ?? [];
  const inner = asRecord(body);
  switch (name) {
    case 'match':
      return parseMatch(inner);
    case 'mangle':
      return parseMangle(inner);
    case 'vmap': {
      const lookup = parseLookup(inner);
      return lookup === null ? null : { kind: 'vmap', ...lookup };
    }
    case 'set':
      return parseSetUpdate(inner);
    case 'accept':
    case 'drop':
    case 'return':
    case 'notrack':
    case 'counter':
      return { kind: name };
    case 'jump':
    case 'goto':
      return typeof inner?.['target'] === 'string' ? { kind: name, chain: inner['target'] } : null;
    case 'reject':
      return parseReject(inner);
    case 'masquerade':
      return parseMasquerade(inner);
    case 'dnat':
      return parseDnat(inner);
    default:
      return null;
  }
}

/** `{ key, data: "@map" }`. */
function parseLookup(record: JsonRecord | null): MapLookup | null {
  const key = parseSources(record?.['key']);
  const map = nameOf(record?.['data']);
  return key === null || map === null ? null : { key, map };
}

function nameOf(value: Json | undefined): string | null {
  return typeof value === 'string' && value.startsWith('@') ? value.slice(1) : null;
}

function parseMangle(record: JsonRecord | null): Statement | null {
  const key = asRecord(record?.['key']);
  const value = record?.['value'];
  if (key === null || value === undefined) return null;
  if (asRecord(key['meta'])?.['key'] === 'mark') {
    const to = parseMark(value);
    return to === null ? null : { kind: 'mark', to };
  }
  if (key['tcp option'] !== undefined) return parseClamp(asRecord(key['tcp option']), value);
  const payload = asRecord(key['payload']);
  const field = `${String(payload?.['protocol'])} ${String(payload?.['field'])}`;
  if (payload === null || !(field in rewrites)) return null;
  const lookup = parseLookup(asRecord(asRecord(value)?.['map']));
  const to = lookup ?? (typeof value === 'string' || typeof value === 'number' ? value : null);
  return to === null ? null : { kind: 'rewrite', field: field as RewriteStatement['field'], to };
}

/** `{ name: "maxseg", field: "size" }` set to a number or `{ rt: { key: "mtu" } }`. */
function parseClamp(option: JsonRecord | null, value: Json): Statement | null {
  if (option?.['name'] !== 'maxseg' || option['field'] !== 'size') return null;
  if (typeof value === 'number') return { kind: 'clamp', size: value };
  return asRecord(asRecord(value)?.['rt'])?.['key'] === 'mtu' ? { kind: 'clamp', size: 'route' } : null;
}

function parseMark(value: Json): MarkStatement['to'] | null {
  if (typeof value === 'number') return value;
  const lookup = asRecord(asRecord(value)?.['map']);
  return lookup === null ? parseBits(value) : parseLookup(lookup);
}

/** `mark & a ^ b | c`, however deep: the two numbers that all of it comes to. */
function parseBits(value: Json): { readonly mask: number; readonly xor: number } | null {
  if (parseSource(value) === 'mark') return { mask: 0xff_ff_ff_ff, xor: 0 };
  const [operator = '', operands] = Object.entries(asRecord(value) ?? {})[0] ?? [];
  if (!Array.isArray(operands) || operands.length !== 2) return null;
  const inner = parseBits(operands[0] as Json);
  const number: unknown = operands[1];
  if (inner === null || typeof number !== 'number') return null;
  const { mask, xor } = inner;
  switch (operator) {
    case '&':
      return { mask: (mask & number) >>> 0, xor: (xor & number) >>> 0 };
    case '|':
      return { mask: (mask & ~number) >>> 0, xor: ((xor & ~number) | number) >>> 0 };
    case '^':
      return { mask, xor: (xor ^ number) >>> 0 };
    default:
      return null;
  }
}

/** Changes of plain sets are JSON. */
function parseSetUpdate(record: JsonRecord | null): UpdateStatement | null {
  const operation = record?.['op'];
  const set = nameOf(record?.['set']);
  const wrapped = asRecord(asRecord(record?.['elem'])?.['elem']);
  const key = parseSources(wrapped === null ? record?.['elem'] : wrapped['val']);
  const timeout = wrapped?.['timeout'];
  if ((operation !== 'add' && operation !== 'update' && operation !== 'delete') || set === null || key === null) return null;
  return { kind: 'update', operation, set, key, timeoutSeconds: typeof timeout === 'number' ? timeout : null, value: null };
}

/** Changes of maps are text even in JSON: `update @clients { ip saddr timeout 10800s : meta mark }`. */
function parseUpdate(text: string): UpdateStatement | null {
  const found = /^(add|update|delete) @(\S+) \{ (.+?)(?: timeout (\S+))? : (.+) \}$/.exec(text);
  const [, operation, set, key = '', timeout, value = ''] = found ?? [];
  const from = fieldByText(key);
  const data = fieldByText(value);
  const seconds = timeout === undefined ? null : parseDuration(timeout);
  if (operation !== 'add' && operation !== 'update' && operation !== 'delete') return null;
  if (set === undefined || from === null || data === null || Number.isNaN(seconds)) return null;
  return { kind: 'update', operation, set, key: [from], timeoutSeconds: seconds, value: data };
}

function fieldByText(text: string): Field | null {
  return (Object.keys(fields) as Field[]).find((field) => fields[field].text === text) ?? null;
}

const units: Readonly<Record<string, number>> = { w: 604_800, d: 86_400, h: 3600, m: 60, s: 1 };

/** `3h`, `1d2h30s`, `10800s` in seconds; not a number for anything else. */
function parseDuration(text: string): number {
  if (!/^(\d+[wdhms])+$/.test(text)) return Number.NaN;
  return [...text.matchAll(/(\d+)([wdhms])/g)].reduce((sum, [, count, unit = '']) => sum + Number(count) * (units[unit] ?? 0), 0);
}

const unreachable: readonly (readonly [string, number])[] = [
  ['icmp', 3],
  ['icmpv6', 4],
  ['icmpx', 1],
];
const prohibited: readonly (readonly [string, number])[] = [
  ['icmp', 13],
  ['icmpv6', 1],
  ['icmpx', 3],
];

function parseReject(record: JsonRecord | null): Statement | null {
  const type = record?.['type'];
  const code = record?.['expr'];
  const isOne = (list: readonly (readonly [string, number])[]): boolean =>
    list.some(([word, number]) => word === type && number === code);
  if (type === 'tcp reset') return { kind: 'reject', with: 'tcp-reset' };
  if (isOne(unreachable)) return { kind: 'reject', with: 'port-unreachable' };
  return isOne(prohibited) ? { kind: 'reject', with: 'admin-prohibited' } : null;
}

function parseMasquerade(record: JsonRecord | null): Statement | null {
  if (record === null) return { kind: 'masquerade', fullyRandom: false };
  return Object.keys(record).join(',') === 'flags' && record['flags'] === 'fully-random'
    ? { kind: 'masquerade', fullyRandom: true }
    : null;
}

function parseDnat(record: JsonRecord | null): Statement | null {
  const address = record?.['addr'];
  const port = record?.['port'];
  if (record === null || record['flags'] !== undefined) return null;
  if (typeof address === 'string') {
    const target = port ?? null;
    return target === null || typeof target === 'number' ? { kind: 'dnat', to: { address, port: target } } : null;
  }
  const lookup = parseLookup(asRecord(asRecord(address)?.['map']));
  return lookup === null || port !== undefined ? null : { kind: 'dnat', to: lookup };
}

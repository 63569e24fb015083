import { isMap, isScalar, isSeq } from 'yaml';
import type { Node, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import { parseDuration } from '../model/mod.ts';
import type { ValueKind, ValueKinds } from './field.ts';
import { parseMark } from './mark-text.ts';
import type { PoolText } from './pool-text.ts';

/** A value, or what the field needs instead, to follow `must be`. */
export type Read<T> = { readonly value: T } | { readonly needs: string };

/** Reads the YAML node of a field of the given kind. The node is neither an alias nor null. */
export function readNode(kind: ValueKind, node: Node): Read<ValueKinds[ValueKind]> {
  if (kind === 'switches') return isMap(node) ? readSwitches(node) : { needs: 'a map of names to true or false' };
  if (kind === 'string-list') return isSeq(node) ? readStrings(node) : { needs: 'a list of texts' };
  if (kind === 'level-list') return isSeq(node) ? readLevels(node) : { needs: 'a list of filePattern and verbosity' };
  if (kind === 'pool-list') return isSeq(node) ? readPools(node) : { needs: poolNeeds };
  return isScalar(node) ? readScalar(kind, node) : { needs: scalarNeeds[kind] };
}

const poolNeeds = 'a list of objects with name and addresses';

type ScalarKind = Exclude<ValueKind, 'switches' | 'string-list' | 'level-list' | 'pool-list'>;

const scalarNeeds: Readonly<Record<ScalarKind, string>> = {
  string: 'text',
  boolean: 'true or false',
  integer: 'a whole number',
  number: 'a number',
  duration: 'a duration such as 30s, 500ms or 1h2m3s',
  'flush-duration': 'a duration such as 5s, or a whole number of nanoseconds',
  mark: 'a number of 32 bits such as 0x1fff',
};

function readScalar(kind: ScalarKind, node: Scalar): Read<ValueKinds[ScalarKind]> {
  const value = scalarValue(kind, node);
  return value === null ? { needs: scalarNeeds[kind] } : { value };
}

function scalarValue(kind: ScalarKind, node: Scalar): string | number | boolean | null {
  const { value } = node;
  switch (kind) {
    case 'string':
      return readText(node);
    case 'boolean':
      return typeof value === 'boolean' ? value : readOldBoolean(node);
    case 'integer':
      return Number.isSafeInteger(value) ? (value as number) : null;
    case 'number':
      return typeof value === 'number' && Number.isFinite(value) ? value : null;
    case 'duration':
      return typeof value === 'string' ? parseDuration(value) : null;
    case 'flush-duration':
      return Number.isSafeInteger(value) ? (value as number) / 1e6 : typeof value === 'string' ? parseDuration(value) : null;
    case 'mark':
      return parseMark(typeof value === 'number' ? String(value) : typeof value === 'string' ? value : '');
    default:
      return kind satisfies never;
  }
}

/** Text; an unquoted number or boolean is its spelling, as with the reference's decoder. */
function readText(node: Scalar): string | null {
  if (typeof node.value === 'string') return node.value;
  if (typeof node.value === 'number' || typeof node.value === 'boolean') return node.source ?? String(node.value);
  return null;
}

/** The reference reads YAML 1.1, where the unquoted words yes and on are booleans. */
function readOldBoolean(node: Scalar): boolean | null {
  if (node.type !== 'PLAIN' || typeof node.value !== 'string') return null;
  if (/^(?:y|yes|on)$/i.test(node.value)) return true;
  return /^(?:n|no|off)$/i.test(node.value) ? false : null;
}

function readSwitches(map: YAMLMap): Read<Readonly<Record<string, boolean>>> {
  const switches: Record<string, boolean> = {};
  for (const { key, value } of map.items) {
    const on = isScalar(value) ? scalarValue('boolean', value) : null;
    if (typeof on !== 'boolean') return { needs: `a map of names to true or false (${String(key)} is not)` };
    switches[String(key)] = on;
  }
  return { value: switches };
}

function readStrings(list: YAMLSeq): Read<readonly string[]> {
  const texts = list.items.map((item) => (isScalar(item) ? readText(item) : null));
  return texts.every((text) => text !== null) ? { value: texts } : { needs: 'a list of texts' };
}

function readLevels(list: YAMLSeq): Read<readonly string[]> {
  const levels: string[] = [];
  for (const item of list.items) {
    const pattern = isMap(item) ? item.get('filePattern') : null;
    const level = isMap(item) ? item.get('verbosity') : null;
    if (typeof pattern !== 'string' || !Number.isInteger(level)) return { needs: 'a list of filePattern and verbosity' };
    levels.push(`${pattern}=${String(level)}`);
  }
  return { value: levels };
}

/** A field that is none of a pool's is refused: it would limit who gets addresses, as others would see it. */
function readPools(list: YAMLSeq): Read<readonly PoolText[]> {
  const pools: PoolText[] = [];
  for (const item of list.items) {
    const name = isMap(item) ? item.get('name') : null;
    const addresses = isMap(item) ? item.get('addresses') : null;
    const texts = isSeq(addresses) ? readStrings(addresses) : null;
    if (typeof name !== 'string' || texts === null || 'needs' in texts) return { needs: poolNeeds };
    const other = isMap(item) ? item.items.map(({ key }) => String(key)).find((key) => !poolFields.has(key)) : undefined;
    if (other !== undefined) return { needs: `${poolNeeds} (${other} is neither)` };
    pools.push({ name, addresses: texts.value });
  }
  return { value: pools };
}

const poolFields: ReadonlySet<string> = new Set(['name', 'addresses']);

import type { Outcome } from '../model/mod.ts';
import { describeValue, fieldOf, refuseObject } from './decode-fields.ts';

/** Where an object is found. */
interface ObjectName {
  readonly namespace: string;
  readonly name: string;
  /** `namespace/name`. */
  readonly key: string;
}

/** DNS-1123 subdomains, the longest names Kubernetes has. */
const maxNameLength = 253;

/**
 * Strings that return in thousands of objects are kept once. The table is bounded by being emptied:
 * strings in use live on, only sharing with later ones starts afresh.
 */
const maxShared = 65_536;
const sharedStrings = new Map<string, string>();
const sharedLists = new Map<string, readonly string[]>();

const emptyList: readonly string[] = [];

/** The one copy of a string that many records hold. */
export function shareString(text: string): string {
  const known = sharedStrings.get(text);
  if (known !== undefined) return known;
  if (sharedStrings.size >= maxShared) sharedStrings.clear();
  sharedStrings.set(text, text);
  return text;
}

/** A list without the room to grow that `push` leaves behind it, which for one item is ten times the item. */
export function trimList<T>(items: readonly T[]): readonly T[] {
  return items.slice();
}

/** The one copy of a list of strings; nearly all hint lists hold a single zone or node. */
export function shareList(items: readonly string[]): readonly string[] {
  const [only] = items;
  if (only === undefined) return emptyList;
  if (items.length > 1) return items.map(shareString);
  const known = sharedLists.get(only);
  if (known !== undefined) return known;
  if (sharedLists.size >= maxShared) sharedLists.clear();
  const list: readonly string[] = [shareString(only)];
  sharedLists.set(only, list);
  return list;
}

/**
 * True for what can stand in a Kubernetes name: letters, digits, `-`, `.` and `_`, at most 253. The API
 * server is stricter. Here it only keeps separators, quotes and line ends out of keys, logs and rules.
 */
export function isName(value: unknown): value is string {
  if (typeof value !== 'string' || value.length === 0 || value.length > maxNameLength) return false;
  for (let at = 0; at < value.length; at += 1) if (!isNameCode(value.charCodeAt(at))) return false;
  return true;
}

function isNameCode(code: number): boolean {
  const lower = code | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x2e || code === 0x5f;
}

/** Namespace and name of a namespaced object, or `WP_KUBE_OBJECT` where either is missing or no name. */
export function readObjectName(kind: string, raw: unknown): Outcome<ObjectName> {
  const metadata = fieldOf(raw, 'metadata');
  const name = fieldOf(metadata, 'name');
  if (!isName(name)) return refuseObject(`a ${kind}`, `metadata.name is ${describeValue(name)}, the object is ignored`);
  const namespace = fieldOf(metadata, 'namespace');
  if (!isName(namespace)) {
    return refuseObject(`${kind} ${name}`, `metadata.namespace is ${describeValue(namespace)}, the object is ignored`);
  }
  // One piece of text: a template would keep its parts as well, for each of many objects.
  return { ok: true, value: { namespace: shareString(namespace), name, key: [namespace, name].join('/') } };
}

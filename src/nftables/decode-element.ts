import { datumTypes } from './datum-type.ts';
import { compareBytes, decodeDatum, partOf, previousOf } from './datum.ts';
import { partLength } from './encode-set.ts';
import type { Datum, Verdict } from './expression.ts';
import type { ElementState } from './port.ts';
import type { DatumType, KeyPart, SetDefinition } from './transaction.ts';
import { bytesOf, readAttributes, readList, readLong, readNumber, readText, readUserdata } from './wire-attribute.ts';
import {
  commentUserdata,
  dataAttribute,
  elementAttribute,
  intervalEnd,
  listAttribute,
  verdictAttribute,
  verdictCodes,
} from './wire-names.ts';

/** An item of a list of elements: one element, or where an interval begins or ends. */
export interface ListedElement {
  readonly key: Uint8Array;
  readonly keyEnd: Uint8Array | null;
  /** The interval before ends in front of this key. */
  readonly isEnd: boolean;
  readonly details: Omit<ElementState, 'key'>;
}

/** Reads the items of a `NFT_MSG_NEWSETELEM`; null where one of them is not understood. */
export function decodeElements(set: SetDefinition, view: DataView): readonly ListedElement[] | null {
  const items: ListedElement[] = [];
  for (const item of readList(readAttributes(view)?.get(listAttribute.elements))) {
    const decoded = decodeItem(set, item);
    if (decoded === null) return null;
    items.push(decoded);
  }
  return items;
}

function decodeItem(set: SetDefinition, view: DataView): ListedElement | null {
  const attributes = readAttributes(view);
  if (attributes === null) return null;
  const isEnd = (readNumber(attributes.get(elementAttribute.flags)) & intervalEnd) !== 0;
  const key = dataOf(attributes.get(elementAttribute.key));
  const keyEnd = dataOf(attributes.get(elementAttribute.keyEnd));
  const details = detailsOf(set, attributes, isEnd);
  return key === null || details === null ? null : { key, keyEnd, isEnd, details };
}

/** Copies: what is listed outlives the buffer it was read into. */
function dataOf(view: DataView | undefined): Uint8Array | null {
  const value = view === undefined ? undefined : readAttributes(view)?.get(dataAttribute.value);
  return value === undefined ? null : bytesOf(value).slice();
}

function detailsOf(
  set: SetDefinition,
  attributes: ReadonlyMap<number, DataView>,
  isEnd: boolean,
): Omit<ElementState, 'key'> | null {
  const timeout = readLong(attributes.get(elementAttribute.timeout));
  const seconds = timeout === null ? null : Math.round(timeout / 1000);
  const expiration = readLong(attributes.get(elementAttribute.expiration));
  const comment = readUserdata(attributes.get(elementAttribute.userdata)).get(commentUserdata);
  const value = set.value === null || isEnd ? null : valueOf(set.value, attributes.get(elementAttribute.data));
  if (value === null && set.value !== null && !isEnd) return null;
  return {
    ...(value === null ? {} : { value }),
    ...(seconds === null || seconds === 0 || seconds === set.timeoutSeconds ? {} : { timeoutSeconds: seconds }),
    ...(expiration === null ? {} : { expiresSeconds: Math.floor(expiration / 1000) }),
    ...(comment === undefined ? {} : { comment: readText(comment) }),
  };
}

function valueOf(types: readonly DatumType[] | 'verdict', view: DataView | undefined): readonly Datum[] | Verdict | null {
  if (view === undefined) return null;
  if (types === 'verdict') return decodeVerdict(readAttributes(view)?.get(dataAttribute.verdict));
  const bytes = dataOf(view);
  return bytes === null ? null : cutParts(types, bytes, (type, part) => decodeDatum(type, part));
}

/** Reads a verdict as data. */
export function decodeVerdict(view: DataView | undefined): Verdict | null {
  const attributes = view === undefined ? null : readAttributes(view);
  if (attributes === null) return null;
  const code = readNumber(attributes.get(verdictAttribute.code));
  const chain = readText(attributes.get(verdictAttribute.chain));
  switch (code) {
    case verdictCodes.accept:
      return { kind: 'accept' };
    case verdictCodes.drop:
      return { kind: 'drop' };
    case verdictCodes.return:
      return { kind: 'return' };
    case verdictCodes.jump:
      return { kind: 'jump', chain };
    case verdictCodes.goto:
      return { kind: 'goto', chain };
    default:
      return null;
  }
}

/** Elements out of the items of all messages of a listing; null where they make none. */
export function assembleElements(set: SetDefinition, items: readonly ListedElement[]): readonly ElementState[] | null {
  const elements: ElementState[] = [];
  const add = (from: Uint8Array, to: Uint8Array, { details }: ListedElement): boolean => {
    const key = keyOf(set.key, from, to);
    if (key !== null) elements.push({ key, ...details });
    return key !== null;
  };
  if (!set.interval || set.key.length > 1) {
    return items.every((item) => add(item.key, item.keyEnd ?? item.key, item)) ? elements : null;
  }
  // Where one interval ends and the next begins with the same key, the end comes first.
  const sorted = items.toSorted((one, other) => compareBytes(one.key, other.key) || Number(other.isEnd) - Number(one.isEnd));
  let open: ListedElement | null = null;
  for (const item of sorted) {
    // The tool puts an end in front of the first interval, which closes nothing.
    if (open !== null && !add(open.key, previousOf(item.key), open)) return null;
    open = item.isEnd ? null : item;
  }
  if (open !== null && !add(open.key, new Uint8Array(open.key.length).fill(0xff), open)) return null;
  return elements;
}

function keyOf(types: readonly DatumType[], from: Uint8Array, to: Uint8Array): readonly KeyPart[] | null {
  const starts = cutBytes(types, from);
  const ends = to === from ? starts : cutBytes(types, to);
  if (ends === null || starts === null) return null;
  const parts: KeyPart[] = [];
  for (let index = 0; index < types.length; index += 1) {
    const part = partOf(types[index] ?? 'mark', starts[index] ?? from, ends[index] ?? to);
    if (part === null) return null;
    parts.push(part);
  }
  return parts;
}

function cutParts<T>(
  types: readonly DatumType[],
  bytes: Uint8Array,
  read: (type: DatumType, part: Uint8Array) => T | null,
): readonly T[] | null {
  const pieces = cutBytes(types, bytes);
  if (pieces === null) return null;
  const parts: T[] = [];
  for (const [index, type] of types.entries()) {
    const part = read(type, pieces[index] ?? bytes);
    if (part === null) return null;
    parts.push(part);
  }
  return parts;
}

/** The parts of a concatenation without their padding, or null where the bytes are too few. */
function cutBytes(types: readonly DatumType[], bytes: Uint8Array): readonly Uint8Array[] | null {
  let at = 0;
  const parts: Uint8Array[] = [];
  const single = types.length === 1;
  for (const type of types) {
    const { length } = datumTypes[type];
    if (at + length > bytes.length) return null;
    parts.push(bytes.subarray(at, at + length));
    at += partLength(type, single);
  }
  return parts;
}

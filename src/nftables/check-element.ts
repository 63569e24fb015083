import { checkName, isSeconds } from './check-name.ts';
import { datumTypes } from './datum-type.ts';
import { compareBytes, encodeDatum, isPrefix, isRange } from './datum.ts';
import type { Datum, Range } from './expression.ts';
import type { DatumType, Element, KeyPart, SetDefinition } from './transaction.ts';

const ipv4Pattern = /^\d{1,3}(\.\d{1,3}){3}$/;
const ipv6Pattern = /^[0-9a-f:.]*:[0-9a-f:.]*$/;
const linkPattern = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;
/** An interface name in the kernel's rules, and none that the tool takes for a wildcard. */
const interfacePattern = /^[^\s/"*\\]{1,15}$/;

/** What is wrong with an element of a set, or null. `whole`: with its value, as for adding it. */
export function checkElement(set: SetDefinition, element: Element, whole: boolean): string | null {
  const { key, value, timeoutSeconds } = element;
  if (key.length !== set.key.length) return `an element of set ${set.name} has ${key.length} parts, not ${set.key.length}`;
  for (let index = 0; index < key.length; index += 1) {
    if (!isPart(set, set.key[index], key[index])) {
      return `an element of set ${set.name} has ${JSON.stringify(key[index])} where ${set.key[index]} is wanted`;
    }
  }
  if (!whole) return null;
  if (timeoutSeconds !== undefined && !(set.timeout && isSeconds(timeoutSeconds))) {
    return `an element of set ${set.name} has the timeout ${timeoutSeconds}`;
  }
  return isValue(set, value) ? null : `an element of set ${set.name} has the value ${JSON.stringify(value)}`;
}

function isPart(set: SetDefinition, type: DatumType | undefined, part: KeyPart | undefined): boolean {
  if (type === undefined || part === undefined) return false;
  if (isPrefix(part)) return set.interval && (part.family === 'IPv4' ? type === 'ipv4' : type === 'ipv6');
  if (isRange(part)) return set.interval && isRangeOf(type, part);
  return isDatum(type, part);
}

function isValue(set: SetDefinition, value: Element['value']): boolean {
  if (set.value === null || value === undefined) return (set.value === null) === (value === undefined);
  if ('kind' in value) return set.value === 'verdict' && (!('chain' in value) || checkName(value.chain) === null);
  const types = set.value;
  if (types === 'verdict' || types.length !== value.length) return false;
  return types.every((type, index) => isDatum(type, value[index] ?? ''));
}

/** Both ends are of the type and in order. */
export function isRangeOf(type: DatumType, { from, to }: Range): boolean {
  if (!isDatum(type, from) || !isDatum(type, to)) return false;
  const { length } = datumTypes[type];
  return compareBytes(encodeDatum(type, from, length), encodeDatum(type, to, length)) <= 0;
}

/** Whether a value is one of the type. */
export function isDatum(type: DatumType, value: Datum): boolean {
  if (type === 'ipv4') return typeof value === 'string' && ipv4Pattern.test(value);
  if (type === 'ipv6') return typeof value === 'string' && ipv6Pattern.test(value);
  if (type === 'link') return typeof value === 'string' && linkPattern.test(value);
  if (type === 'interface') return typeof value === 'string' && isInterface(value);
  return isNumber(value, datumTypes[type].length);
}

export function isInterface(value: string): boolean {
  return interfacePattern.test(value);
}

/** A number that fits so many bytes. */
export function isNumber(value: Datum, bytes: number): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** (8 * bytes);
}

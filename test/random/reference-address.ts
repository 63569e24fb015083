/** Addresses for the reference model: numbers, read the tolerant way of specification 1.7. */

export interface Numbered {
  readonly family: 'IPv4' | 'IPv6';
  readonly value: bigint;
}

const mappedPrefix = 0xffffn << 32n;

/** Null for what is no address. */
export function readAddress(text: string): Numbered | null {
  if (!text.includes(':')) {
    const value = readDotted(text);
    return value === null ? null : { family: 'IPv4', value };
  }
  const dotted = /^(.*:)([\d.]*\.[\d.]*)$/.exec(text);
  const tail = dotted === null ? null : readDotted(dotted[2] ?? '');
  const plain =
    dotted === null || tail === null ? text : `${dotted[1]}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}`;
  const [head = '', end] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = end === undefined || end === '' ? [] : end.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0');
  const groups = [...left, ...(end === undefined ? [] : zeros), ...right];
  if (groups.length !== 8 || !groups.every((group) => /^[\da-f]{1,4}$/i.test(group))) return null;
  const value = groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
  return value >> 32n === mappedPrefix >> 32n ? { family: 'IPv4', value: value & 0xffff_ffffn } : { family: 'IPv6', value };
}

function readDotted(text: string): bigint | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d+$/.test(part) && Number(part) < 256)) return null;
  return parts.reduce((sum, part) => (sum << 8n) | BigInt(Number(part)), 0n);
}

export function sameAddress(a: string, b: string): boolean {
  const one = readAddress(a);
  const two = readAddress(b);
  return one !== null && two !== null && one.family === two.family && one.value === two.value;
}

/** A range with its host bits ignored. Null for what is no range. */
export function readRange(text: string): (Numbered & { readonly length: number }) | null {
  const [head = '', length = '', ...rest] = text.split('/');
  const address = readAddress(head);
  if (address === null || rest.length > 0 || !/^\d+$/.test(length)) return null;
  return { ...address, length: Number(length) - (address.family === 'IPv4' && head.includes(':') ? 96 : 0) };
}

export function isInside(range: Numbered & { readonly length: number }, text: string): boolean {
  const address = readAddress(text);
  if (address === null || address.family !== range.family) return false;
  const host = BigInt((range.family === 'IPv4' ? 32 : 128) - range.length);
  return address.value >> host === range.value >> host;
}

export function isLoopbackAddress(text: string): boolean {
  return text === '::1' || text.startsWith('127.');
}

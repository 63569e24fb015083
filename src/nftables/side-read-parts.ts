import { familyOf, isPort, parseAddress } from '../model/mod.ts';
import type { Address, Family, Protocol } from '../model/mod.ts';
import { protocolOfNumber } from './side-sets.ts';
import type { Element } from './transaction.ts';

/** The elements of our sets, as the kernel lists them. */
export interface ListedElements {
  readonly family: Family;
  /** Empty for a set that is not there. */
  readonly of: (set: string) => readonly Element[];
}

/** A protocol and its ports, as keys have them. */
export interface Ports {
  readonly protocol: Protocol;
  readonly port: number;
  readonly lastPort?: number;
}

export interface Destination extends Ports {
  readonly address: Address;
}

/** One at a time, so that whoever asks for them may pause in between. */
export function* collect<T>(elements: readonly Element[], read: (element: Element) => T | null): Iterable<T> {
  for (const element of elements) {
    const value = read(element);
    if (value !== null) yield value;
  }
}

/** True for a verdict that goes to that chain. */
export function leadsTo(value: Element['value'], kind: 'jump' | 'goto', chain: string): boolean {
  return value !== undefined && 'kind' in value && value.kind === kind && value.chain === chain;
}

/** The number that a key or a value of one part is, or null. */
export function single(value: Element['value'] | Element['key']): number | null {
  return Array.isArray(value) && typeof value[0] === 'number' ? value[0] : null;
}

export function readDestination(family: Family, key: Element['key']): Destination | null {
  const address = readAddress(family, key[0]);
  const place = readPorts(key.slice(1));
  return address === null || place === null ? null : { address, ...place };
}

export function readPorts([first, ports]: Element['key']): Ports | null {
  const protocol = protocolOfNumber(first);
  if (protocol === null) return null;
  if (isPort(ports)) return { protocol, port: ports as number };
  const { from, to } = typeof ports === 'object' && 'from' in ports ? ports : { from: null, to: null };
  return isPort(from) && isPort(to) ? { protocol, port: from as number, lastPort: to as number } : null;
}

/** Of a single port. */
export function readPort(key: Element['key']): Omit<Ports, 'lastPort'> | null {
  const place = readPorts(key);
  return place === null || place.lastPort !== undefined ? null : place;
}

export function readAddress(family: Family, part: unknown): Address | null {
  const address = typeof part === 'string' ? parseAddress(part) : null;
  return address !== null && familyOf(address) === family ? address : null;
}

import { addressBits, addressBytes, parsePrefix } from '../model/mod.ts';
import type { Address, Prefix } from '../model/mod.ts';
import { joinLabels, lowerName, parseName, rootName } from './name.ts';
import type { Name } from './name.ts';

const reverseRoots = { IPv4: ['in-addr', 'arpa'], IPv6: ['ip6', 'arpa'] } as const;

/** `in-addr.arpa.` and `ip6.arpa.`. */
export const reverseZones: readonly Name[] = [nameOf(reverseRoots.IPv4), nameOf(reverseRoots.IPv6)];

/** The name of an address in the reverse tree (RFC 1035 3.5, RFC 3596 2.5). */
export function reverseName(address: Address): Name {
  const octets = addressBytes(address);
  return reverseOf(octets.length === 4 ? 'IPv4' : 'IPv6', [...octets], octets.length === 4 ? 4 : 32);
}

/**
 * The zones that a word of a configuration stands for: a name, in lower case, or a prefix such as `10.0.0.0/24`. A prefix
 * whose length is not at a boundary of labels is several zones. Null where the word is neither.
 */
export function readZones(text: string): readonly Name[] | null {
  if (text.includes('/')) {
    const prefix = parsePrefix(text);
    return prefix === null ? null : zonesOfPrefix(prefix);
  }
  const name = parseName(text);
  return name === null ? null : [lowerName(name)];
}

function zonesOfPrefix(prefix: Prefix): Name[] {
  const step = prefix.family === 'IPv4' ? 8 : 4;
  const whole = Math.ceil(prefix.length / step);
  const count = 2 ** (whole * step - prefix.length);
  const octets = [...addressBytes(prefix.address)];
  const zones: Name[] = [];
  for (let index = 0; index < count; index += 1) {
    const numbers = [...octets];
    const at = Math.max(0, Math.floor((whole * step - 1) / 8));
    // Zones follow each other by the last label, which for IPv6 is half an octet.
    const shift = (8 - ((whole * step) % 8)) % 8;
    if (whole > 0) numbers[at] = (numbers[at] ?? 0) + (index << shift);
    zones.push(reverseOf(prefix.family, numbers, whole));
  }
  return zones;
}

function reverseOf(family: Prefix['family'], octets: readonly number[], labels: number): Name {
  const parts =
    family === 'IPv4' ? octets.map(String) : octets.flatMap((octet) => [(octet >> 4).toString(16), (octet & 15).toString(16)]);
  return nameOf([...parts.slice(0, Math.min(labels, addressBits(family))).toReversed(), ...reverseRoots[family]]);
}

function nameOf(labels: readonly string[]): Name {
  return joinLabels(labels) ?? rootName;
}

import { labelsOf } from './name.ts';
import type { Name } from './name.ts';
import type { RawAddress } from './zone-address.ts';

/**
 * The address that a name below in-addr.arpa (RFC 1035 3.5) or ip6.arpa (RFC 3596 2.5) stands for. Only complete names count:
 * four decimal octets without leading zeros, or 32 nibbles. `name` is in lower case.
 */
export function parseReverseName(name: Name): RawAddress | null {
  const labels = labelsOf(name);
  const [tree, arpa] = labels.slice(-2);
  if (arpa !== 'arpa') return null;
  const parts = labels.slice(0, -2).toReversed();
  if (tree === 'in-addr')
    return parts.length === 4 && parts.every(isDecimalOctet) ? String.fromCharCode(...parts.map(Number)) : null;
  if (tree !== 'ip6' || parts.length !== 32 || !parts.every((part) => /^[0-9a-f]$/.test(part))) return null;
  return String.fromCharCode(
    ...Array.from({ length: 16 }, (_, index) => Number.parseInt(`${parts[index * 2]}${parts[index * 2 + 1]}`, 16)),
  );
}

function isDecimalOctet(label: string): boolean {
  return /^(0|[1-9][0-9]{0,2})$/.test(label) && Number(label) <= 255;
}

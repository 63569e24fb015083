import { familyOf, parseAddress } from '../model/mod.ts';
import type { Address, ClusterIps, Family } from '../model/mod.ts';
import { fieldOf } from './decode-fields.ts';

/**
 * The ClusterIPs as DNS reads them (DNS specification 1.8): `clusterIPs` wins over `clusterIP`, the first of a family counts,
 * and null says that the first is `None`. Gives `known`, what the proxy made of the same fields, where both agree. Notes
 * nothing: whoever reads for the proxy has noted what is malformed.
 */
export function readPublishedIps(spec: unknown, known: ClusterIps): ClusterIps | null {
  const list = fieldOf(spec, 'clusterIPs');
  const texts: readonly unknown[] = Array.isArray(list) && list.length > 0 ? list : [fieldOf(spec, 'clusterIP')];
  if (texts[0] === 'None') return null;
  const found: Partial<Record<Family, Address>> = {};
  for (const text of texts) {
    const address = typeof text === 'string' ? parseAddress(text) : null;
    if (address !== null) found[familyOf(address)] ??= address;
  }
  return found.IPv4 === known.IPv4 && found.IPv6 === known.IPv6 ? known : found;
}

import { familyOf, isLoopback } from '../model/mod.ts';
import type { Address, Family, NodePortAddresses } from '../model/mod.ts';

/** Addresses of one family that accept node ports, of those that the node's interfaces have. */
export function listNodePortAddresses(nodePorts: NodePortAddresses, family: Family, interfaces: readonly Address[]): Address[] {
  if (nodePorts.kind === 'listed') return [...nodePorts.addresses];
  return interfaces.filter((address) => familyOf(address) === family && (nodePorts.loopback || !isLoopback(address)));
}

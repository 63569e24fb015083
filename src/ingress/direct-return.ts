import { compareText, familyOf } from '../model/mod.ts';
import type { Address, Backend, Delivery, DirectReturnMethod, Family, Lookup, NodeRecord } from '../model/mod.ts';
import type { PublisherSettings } from './publisher-settings.ts';

/** Where other nodes are, and how packets get there. */
export interface DirectReturn {
  readonly delivery: Delivery;
  readonly family: Family;
  readonly nodes: Lookup<NodeRecord>;
  readonly nodeOf: (backend: Address) => string | null;
  /** As `PeerKnowledge.reach`, for the delivery. */
  readonly reach: (address: Address) => 'reached' | 'unknown' | 'unfit';
  /** As `Publication.segmentSize`. */
  readonly segmentSize: number | null;
}

/** What a node balances over in mode `dsr`. */
export interface DirectBackends {
  readonly backends: readonly Backend[];
  /** Back ends of other nodes that no packet can be taken to: their node is not known, has no address of the family, or cannot be reached. */
  readonly unreachable: number;
}

export function deliveryOf(method: DirectReturnMethod, settings: PublisherSettings['directReturn']): Delivery {
  switch (method) {
    case 'dr':
      return { method: 'direct' };
    case 'ipip':
      return { method: 'tunnel', encapsulation: 'ipip' };
    case 'gue':
      return { method: 'tunnel', encapsulation: 'gue', port: settings.guePort };
  }
}

/**
 * The back ends of this node as they are, and every other node that has some in place of these, with the sum of their
 * weights (specification of ingress, 8). Nodes are sorted by their address, so that all nodes hold the same list: hash
 * schedulers depend on it. The port of a node is 0, because a packet must arrive there as it came.
 */
export function spreadOverNodes(backends: readonly Backend[], direct: DirectReturn): DirectBackends {
  const { delivery, family, nodes, nodeOf } = direct;
  const weights = new Map<Address, number>();
  let unreachable = 0;
  for (const { address, weight, local } of backends) {
    if (local) continue;
    const node = nodes.get(nodeOf(address) ?? '');
    const target = node?.addresses.find((one) => familyOf(one) === family);
    const reach = target === undefined ? 'unfit' : direct.reach(target);
    if (reach === 'unfit') unreachable += 1;
    // Who does not know another node yet would take what that one sends on for packets of clients, and send it back.
    if (target !== undefined && reach === 'reached') weights.set(target, (weights.get(target) ?? 0) + weight);
  }
  const others = [...weights]
    .toSorted(([a], [b]) => compareText(a, b))
    .map(([address, weight]): Backend => ({ address, port: 0, weight, local: false, delivery }));
  return { backends: [...backends.filter(({ local }) => local), ...others], unreachable };
}

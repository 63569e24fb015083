import { familyOf, isLoopback, prefixContains } from '../model/mod.ts';
import type {
  Address,
  DataPlaneSettings,
  Family,
  NodeChoices,
  NodePortAddresses,
  NodeRecord,
  PeerSettings,
  PodDetection,
  PodTraffic,
  Prefix,
} from '../model/mod.ts';

/** What the node is known to be at the moment. */
export interface NodeFacts {
  /** Null until the Node was seen. */
  readonly node: NodeRecord | null;
  /** Addresses of all interfaces, both families mixed. */
  readonly localAddresses: readonly Address[];
  readonly peers?: PeerSettings;
}

/** Settles what the operator chose for one family on this node. */
export function resolveSettings(choices: NodeChoices, family: Family, facts: NodeFacts): DataPlaneSettings {
  return {
    podTraffic: resolvePodTraffic(choices.podDetection, family, facts.node),
    nodePorts: resolveNodePorts(choices, family, facts),
    masqueradeBit: choices.masqueradeBit,
    nodeAddress: resolveNodeAddress(choices, family, facts.node),
    ...(facts.peers === undefined ? {} : { peers: facts.peers }),
  };
}

/** The node's address of a family (specification 1.4): `bindAddress`, else the first of the Node's. */
export function resolveNodeAddress(choices: NodeChoices, family: Family, node: NodeRecord | null): Address | null {
  const { bindAddress } = choices;
  if (bindAddress !== null && familyOf(bindAddress) === family) return bindAddress;
  return node?.addresses.find((address) => familyOf(address) === family) ?? null;
}

/** How pods of a family are told from other clients. */
export function resolvePodTraffic(detection: PodDetection, family: Family, node: NodeRecord | null): PodTraffic {
  switch (detection.kind) {
    case 'cluster-cidr':
      return fromSource(detection.prefixes, family);
    case 'node-cidr':
      return fromSource(node?.podCidrs ?? [], family);
    case 'interface':
    case 'interface-prefix':
      return detection;
  }
}

function fromSource(prefixes: readonly Prefix[], family: Family): PodTraffic {
  const prefix = prefixes.find((one) => one.family === family);
  return prefix === undefined ? { kind: 'none' } : { kind: 'source', prefix };
}

/** A family that the choice says nothing about accepts node ports on all its local addresses. */
function resolveNodePorts(choices: NodeChoices, family: Family, facts: NodeFacts): NodePortAddresses {
  const everywhere: NodePortAddresses = { kind: 'all-local', loopback: choices.localhostNodePorts && family === 'IPv4' };
  const { nodePorts } = choices;
  if (nodePorts.kind === 'all') return everywhere;
  if (nodePorts.kind === 'primary') {
    const own = resolveNodeAddress(choices, family, facts.node);
    if (own === null || isLoopback(own)) return everywhere;
    // A Node may name an address that its interfaces do not have: packets to it are somebody else's.
    return { kind: 'listed', addresses: facts.localAddresses.includes(own) ? [own] : [] };
  }
  const prefixes = nodePorts.prefixes.filter((prefix) => prefix.family === family);
  if (prefixes.length === 0 || prefixes.some((prefix) => prefix.length === 0)) return everywhere;
  const mayBeLoopback = everywhere.loopback;
  const addresses = facts.localAddresses.filter(
    (address) => prefixes.some((prefix) => prefixContains(prefix, address)) && (mayBeLoopback || !isLoopback(address)),
  );
  return { kind: 'listed', addresses: [...new Set(addresses)].toSorted() };
}

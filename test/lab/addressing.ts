import type { Family } from '../../src/model/mod.ts';

/** One address for each family of the lab. */
export type Addresses = Readonly<Record<Family, string>>;

export type HostKind = 'node' | 'pod' | 'outside' | 'gateway';

/** A network namespace of the lab. */
export interface Host {
  readonly name: string;
  readonly kind: HostKind;
  /** For a pod, the name of the host it runs on. */
  readonly node: string | null;
  readonly addresses: Addresses;
}

/** Ranges as a cluster administrator would configure them; documentation and private space only. */
export const ranges = {
  lan: { IPv4: '192.0.2', IPv6: '2001:db8:1:' },
  pods: { IPv4: '10.244.0.0/16', IPv6: 'fd00:10:244::/48' },
  node1Pods: { IPv4: '10.244.1.0/24', IPv6: 'fd00:10:244:1::/64' },
  node2Pods: { IPv4: '10.244.2.0/24', IPv6: 'fd00:10:244:2::/64' },
  services: { IPv4: '10.96.0.0/16', IPv6: 'fd00:10:96::/112' },
  /** External and load-balancer addresses. What the node does not capture ends at the gateway, which owns them all. */
  external: { IPv4: '198.51.100.0/24', IPv6: '2001:db8:100::/64' },
} as const;

/** A further address of node1 that no Node object mentions. */
export const secondNodeAddress: Addresses = { IPv4: '203.0.113.11', IPv6: '2001:db8:2::11' };

/** The link-local next hop of every pod, answered by the node's end of the pod's veth. */
export const podGateway: Addresses = { IPv4: '169.254.1.1', IPv6: 'fe80::1' };

/** The Kubernetes name of node1 and node2. */
export const nodeNames: Readonly<Record<string, string>> = { node1: 'node-1', node2: 'node-2' };

/** The zone label of node-1. */
export const nodeZone = 'zone-a';

/** `offset` as the last digits of an address in both families: 11 is `.11` and `::11`. */
function lanAddress(offset: number): Addresses {
  return { IPv4: `${ranges.lan.IPv4}.${offset}`, IPv6: `${ranges.lan.IPv6}:${offset}` };
}

function podAddress(node: 1 | 2, offset: number): Addresses {
  return { IPv4: `10.244.${node}.${offset}`, IPv6: `fd00:10:244:${node}::${offset}` };
}

export interface Plan {
  readonly gateway: Host;
  readonly node1: Host;
  readonly node2: Host;
  readonly outside: Host;
  readonly pods: readonly Host[];
}

function planPods(node: 1 | 2, names: readonly string[]): Host[] {
  return names.map((name, index) => ({ name, kind: 'pod', node: `node${node}`, addresses: podAddress(node, 10 + index) }));
}

/** The hosts of a lab. Pod names become part of interface names: at most ten characters. */
export function planHosts(podsOnNode1: readonly string[], podsOnNode2: readonly string[]): Plan {
  return {
    gateway: { name: 'gateway', kind: 'gateway', node: null, addresses: lanAddress(1) },
    node1: { name: 'node1', kind: 'node', node: null, addresses: lanAddress(11) },
    node2: { name: 'node2', kind: 'node', node: null, addresses: lanAddress(12) },
    outside: { name: 'outside', kind: 'outside', node: null, addresses: lanAddress(200) },
    pods: [...planPods(1, podsOnNode1), ...planPods(2, podsOnNode2)],
  };
}

/** All hosts, in the order in which they are made. */
export function listHosts(plan: Plan): readonly Host[] {
  return [plan.gateway, plan.node1, plan.node2, plan.outside, ...plan.pods];
}

/** The pods the lab has where nothing else is asked for: a client and three back ends here, two back ends there. */
export const defaultPods = { node1: ['c1', 'p1', 'p2', 'p3'], node2: ['q1', 'q2'] } as const;

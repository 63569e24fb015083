/** The machines of the random scenarios: where a packet may come from and where it may go. */

export interface Pair {
  readonly IPv4: string;
  readonly IPv6: string;
}

export const nodeName = 'node-1';

/** The node's addresses as its kernel has them, whatever the Node object says. */
export const machine: Pair = { IPv4: '192.0.2.11', IPv6: '2001:db8:1::11' };

/** A second address that an interface may gain. */
export const secondAddress: Pair = { IPv4: '203.0.113.11', IPv6: '2001:db8:2::11' };

export const podRange: Pair = { IPv4: '10.244.0.0/16', IPv6: 'fd00:10:244::/48' };

/** What the Node's `spec.podCIDRs` names. */
export const ownPodRange: Pair = { IPv4: '10.244.1.0/24', IPv6: 'fd00:10:244:1::/64' };

/** Possible endpoints: three pods here, two elsewhere, the host networks of both nodes. */
export const endpointHosts = [
  ...[11, 12, 13].map((n) => pod(1, n)),
  ...[11, 12].map((n) => pod(2, n)),
  { ...machine, node: nodeName },
  { IPv4: '192.0.2.12', IPv6: '2001:db8:1::12', node: 'node-2' },
] as const;

/** Clients that are no endpoint. */
export const clients = {
  podHere: pod(1, 50),
  podElsewhere: pod(2, 50),
  outside: { IPv4: '192.0.2.200', IPv6: '2001:db8:1::200' },
} as const;

function pod(node: 1 | 2, n: number): Pair & { readonly node: string } {
  return { IPv4: `10.244.${node}.${n}`, IPv6: `fd00:10:244:${node}::${n}`, node: `node-${node}` };
}

/** The node's end of a pod's veth, or the interface of everything else. */
export function deviceTo(address: string): string {
  const here = /^(?:10\.244\.1\.|fd00:10:244:1::)(\d+)$/.exec(address);
  return here === null ? 'eth0' : `pod-${here[1]}`;
}

import type { CodeTexts } from './code-text.ts';

/** Codes of ingress: publishing, direct return, announcing, pools. */
export const ingressCodes: CodeTexts = {
  WP_INGRESS_ANNOUNCE_CAPTURE: [
    'warning',
    'an address that this node announces is taken whole by another Service, so every node answers for it',
    'set `waypost.dev/vip-capture: policy` on all Services of that address',
  ],
  WP_INGRESS_ANNOUNCE_FOREIGN: [
    'warning',
    'somebody else made a proxy neighbour for an address, so it is not announced',
    'remove it (`ip neigh show proxy`), or take the address from one of the two',
  ],
  WP_INGRESS_ANNOUNCE_FORWARDING: [
    'warning',
    'the kernel answers for no address of others while forwarding is off on the interface',
    'set the parameter that the message names',
  ],
  WP_INGRESS_ANNOUNCE_INTERFACE: [
    'warning',
    'an address is in the network of no interface that is up, so it is not announced here',
    'name interfaces in `ingress.announce.interfaces`, or give the Service another address',
  ],
  WP_INGRESS_ANNOUNCE_LEASES: [
    'warning',
    '`ingress.announce.enabled` has no effect without an API server, where nodes agree who announces',
    'switch it off where the agent serves a folder of manifests',
  ],
  WP_INGRESS_ANNOUNCE_LOCAL: [
    'warning',
    'an address is one of this node’s own, which answers for it by itself, so it is not announced',
    'give the Service another address, or take it from the interface',
  ],
  WP_INGRESS_DEVICE: [
    'warning',
    'the interface for tunnels belongs to somebody else or went away, so no direct return arrives here',
    'rename or remove the interface that the message names',
  ],
  WP_INGRESS_LINK: [
    'warning',
    'another node is not on one Ethernet link with this one, so direct routing between them cannot be had',
    'set `ingress.dsr.method` to ipip or gue',
  ],
  WP_INGRESS_MARKS_EXHAUSTED: [
    'warning',
    'all packet marks are in use, so a Service is served port by port and without its ranges',
    'make `ingress.fwmark.mask` wider, or publish less',
  ],
  WP_INGRESS_PARAMETER: [
    'warning',
    'a kernel parameter that announcing or direct return needs cannot be set',
    'run the agent with a writable /proc/sys, or set it on the node',
  ],
  WP_INGRESS_TABLE_FULL: [
    'warning',
    'the object in which the cluster keeps given addresses has no room for more Services',
    'have fewer Services of the class, or give some of them addresses by another controller',
  ],
};

import type { DirectReturnMethod, Family } from '../model/mod.ts';

/** Of Ethernet. */
export const usualMtu = 1500;

/** Octets of a header of IP; a header of TCP; UDP and GUE without options. */
const ip: Readonly<Record<Family, number>> = { IPv4: 20, IPv6: 40 };
const tcp = 20;
const gue = 8 + 4;

/** How large segments are over a link of that MTU without a tunnel. */
export function plainSegmentSize(family: Family, mtu: number): number {
  return mtu - ip[family] - tcp;
}

/**
 * How large segments of TCP may be so that they fit into a tunnel over a link of that MTU. Every node has an end of IP in IP,
 * so there is always a tunnel to think of; with GUE packets grow more.
 */
export function segmentSizeOf(family: Family, method: DirectReturnMethod, mtu: number): number {
  return plainSegmentSize(family, mtu) - ip[family] - (method === 'gue' ? gue : 0);
}

/**
 * What a balancer in the kernel has counted for one back end since it put it up. Each is null where the driver is not told. They
 * only grow, but begin anew with a back end that was taken out and put in again, and where somebody sets them to zero.
 */
export interface TrafficCounters {
  /** Connections that were given to it; of UDP each new pair of addresses and ports. */
  readonly connections: number | null;
  /** From clients. */
  readonly inPackets: number | null;
  /** To clients; 0 where answers do not come back by way of this node. */
  readonly outPackets: number | null;
  /** Octets of those packets, IP headers included. */
  readonly inBytes: number | null;
  readonly outBytes: number | null;
}

export const trafficFields = [
  'connections',
  'inPackets',
  'outPackets',
  'inBytes',
  'outBytes',
] as const satisfies readonly (keyof TrafficCounters)[];

export const unknownTraffic: TrafficCounters = {
  connections: null,
  inPackets: null,
  outPackets: null,
  inBytes: null,
  outBytes: null,
};

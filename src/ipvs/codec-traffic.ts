import type { TrafficCounters } from '../model/mod.ts';
import { walkAttributes } from '../netlink/mod.ts';
import { readU32, readU64 } from './codec-values.ts';

/** `IPVS_STATS_ATTR_*` (uapi/linux/ip_vs.h); behind them come rates of the kernel's own. */
const attribute = { connections: 1, inPackets: 2, outPackets: 3, inBytes: 4, outBytes: 5 } as const;

/**
 * Reads what passed from the value of `IPVS_DEST_ATTR_STATS64` or `_STATS`. In the latter the first three have 32 bits, and begin
 * again at 0 behind 2^32 - 1.
 */
export function readTraffic(view: DataView, start: number, end: number): TrafficCounters {
  const counters = { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 };
  walkAttributes(view, start, end, (type, from, to) => {
    if (type > attribute.outBytes) return;
    const value = to - from === 8 ? readU64(view, from) : readU32(view, from);
    if (type === attribute.connections) counters.connections = value;
    else if (type === attribute.inPackets) counters.inPackets = value;
    else if (type === attribute.outPackets) counters.outPackets = value;
    else if (type === attribute.inBytes) counters.inBytes = value;
    else if (type === attribute.outBytes) counters.outBytes = value;
  });
  return counters;
}

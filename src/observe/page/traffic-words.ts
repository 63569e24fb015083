import { formatAmount } from './format-amount.ts';
import type { TrafficRates } from './wire.ts';

/** `1.5 new connections; in 120 packets, 96k octets; out 110 packets, 1.2M octets`; `-` for what is not known. */
export function describeTraffic(traffic: TrafficRates | null): string {
  const [connections, inPackets, outPackets, inBytes, outBytes] = (traffic ?? [null, null, null, null, null]).map(formatAmount);
  return `${connections} new connections; in ${inPackets} packets, ${inBytes} octets; out ${outPackets} packets, ${outBytes} octets`;
}

import { addressBytes } from '../model/mod.ts';
import type { Outcome, Problem } from '../model/mod.ts';
import { openBatchUdp } from './driver-udp-batch.ts';
import { openPlainUdp } from './driver-udp-plain.ts';
import type { UdpOptions, UdpSocket } from './udp-socket.ts';

export interface OpenUdpOptions extends UdpOptions {
  readonly prefer: 'batch' | 'plain';
  /** Told what is lost where batches are out of reach. */
  readonly report: (problem: Problem) => void;
  /** For tests. */
  readonly openBatch?: (options: UdpOptions) => Promise<Outcome<UdpSocket>>;
}

/**
 * Opens a UDP socket: in batches where that is preferred and possible, else a plain one. Fails with `WP_DNS_BIND` where
 * the address or port cannot be had.
 */
export async function openUdp({
  prefer,
  report,
  openBatch = openBatchUdp,
  ...options
}: OpenUdpOptions): Promise<Outcome<UdpSocket>> {
  if (prefer === 'batch') {
    const opened = await openBatch(options);
    if (opened.ok || opened.problem.code === 'WP_DNS_BIND') return opened;
    const { message, cause } = opened.problem;
    report({ code: 'WP_DNS_PLAIN_UDP', message: `UDP answers cost more processor time than they need: ${message}`, cause });
  }
  const { address } = options;
  if (addressBytes(address).every((byte) => byte === 0)) {
    const message = `replies from ${address} leave from the address of the route back, which may not be the one asked: name the addresses to listen on`;
    report({ code: 'WP_DNS_PLAIN_UDP', message });
  }
  return openPlainUdp(options);
}

import type { Remark } from './checklist.ts';
import { deviation } from './remark.ts';

export const dnsRemarks: readonly Remark[] = [
  deviation(
    111,
    'The directive hosts without a file and with entries of its own does not read /etc/hosts: that of a node is not that of a pod.',
  ),
  deviation(
    123,
    'There is no dummy interface. Listen addresses are local by a route in the table local, which needs no device and does not show as an address of the node.',
  ),
  deviation(
    124,
    'The bypass is an nftables table that the kernel removes with the agent’s socket, and whose captures need a lease of two seconds besides. Nothing has to be withdrawn on exit and no watchdog is needed; an agent that hangs loses its questions as well.',
  ),
  deviation(
    126,
    'Configuration files are looked at every 30 s, not watched. A new configuration that needs objects which are not watched yet (pods, labels) is refused until a restart, with WP_DNS_RESTART_NEEDED.',
  ),
  deviation(
    128,
    'Upstreams tls:// and https:// and plugins without a counterpart are refused with a sentence that names file and line.',
  ),
];

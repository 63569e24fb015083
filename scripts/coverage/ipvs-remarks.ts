import type { Remark } from './checklist.ts';
import { deviation, elsewhere, unproven } from './remark.ts';

/** The test file that runs the packet table in ipvs mode. */
const packets = 'test/ipvs/packets.test.ts';

export const ipvsRemarks: readonly Remark[] = [
  deviation(
    21,
    'The data plane does not use the persistence of the kernel: nftables remembers a server for each client, one memory for all addresses of a service port. The kernel’s own is proven of the wrapper.',
  ),
  deviation(22, 'Affinity of the data plane has a time-out and no mask; the mask is proven of the wrapper.'),
  deviation(
    23,
    'Port 0 is demanded of persistent servers of a mark only. Those of the data plane are never persistent, so their destinations carry the port and the kernel translates to it.',
  ),
  elsewhere(24, 'as rows of the packet table in ipvs mode', ['SP-87'], packets),
  elsewhere(27, 'as rows of the packet table in ipvs mode; no setting refuses these clients', ['SP-88'], packets),
  elsewhere(28, 'as rows of the packet table in ipvs mode', ['SP-93', 'SP-98'], packets),
  deviation(59, 'run_estimation is left as it is: rates are for the operator to switch off.'),
  unproven(
    60,
    'There are no tunnels: the IPVS mode of this release forwards by NAT alone, and direct return is not part of it. The wrapper knows the options of tunnels.',
  ),
  unproven(
    61,
    'No packet test: the kernel translates ICMP errors of its connections, and our chains let them pass (captured addresses take related errors too), which the tests of the side rules show.',
  ),
  elsewhere(66, 'as rows of the packet table in ipvs mode', ['SP-22'], packets),
];

import type { Remark } from './checklist.ts';
import { unproven } from './remark.ts';

export const ingressRemarks: readonly Remark[] = [
  unproven(3, 'The view leaves such addresses out before ingress sees them, which its tests show.'),
  unproven(
    13,
    'The two ports of a rewritten Service are balanced and forgotten with the connection, as the packet tests show; counters of the balancer are not compared with those of the client.',
  ),
  unproven(23, 'The kernel clears marks between namespaces; no test of ours repeats that.'),
  unproven(
    24,
    'The capture table is the one of the data plane, whose tests show that it holds addresses of Services alone; no run with rp_filter 1 and src_valid_mark 1.',
  ),
  unproven(25, 'An audit of the data plane restores routes and rules, which is proven for addresses of Services in general.'),
  unproven(26, 'An audit of the data plane restores its table, which is proven for side rules in general.'),
  unproven(
    31,
    'Node ports are the data plane’s own, with servers of marks for each port, whether the Service is published or not.',
  ),
  unproven(36, 'The parameter of the device is set and a strict one of all interfaces is reported at start; no test.'),
  unproven(37, 'As item 32.'),
  unproven(38, 'As item 32.'),
  unproven(41, 'As for every Service in ipvs mode: IPVS-56 and IPVS-17.'),
  unproven(53, 'As for every Service in ipvs mode: IPVS-33.'),
  unproven(55, 'Counted on the fake kernel by the tests of the data plane.'),
];

import type { Remark } from './checklist.ts';
import { unproven } from './remark.ts';

export const ingressRemarks: readonly Remark[] = [
  unproven(
    13,
    'The two ports of a rewritten Service are balanced and forgotten with the connection, as the packet tests show; counters of the balancer are not compared with those of the client.',
  ),
  unproven(23, 'The kernel clears marks between namespaces; no test of ours repeats that.'),
  unproven(26, 'An audit of the data plane restores its table, which is proven for side rules in general.'),
];

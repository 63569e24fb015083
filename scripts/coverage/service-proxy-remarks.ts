import type { Remark } from './checklist.ts';
import { ipvsModeRemarks } from './service-proxy-ipvs-remarks.ts';
import { deviation, partly, unproven } from './remark.ts';

const ofAnyMode: readonly Remark[] = [
  deviation(
    15,
    'Of two occurrences that differ otherwise a ready one wins, then that of the slice whose name sorts last. The reference leaves it open.',
  ),
  partly(19, 'The absence lasts minutes of a turned clock and seconds of a real one, not an hour.'),
  partly(21, 'Requests are compared with the role; no API server that enforces roles was there to ask.'),
  partly(31, 'SCTP is proven on rules and by the packet tracer only: Node has no SCTP sockets.'),
  deviation(
    43,
    'The primary address follows the Node while the agent runs; the reference reads it once at the start. An address that no interface has accepts nothing.',
  ),
  partly(75, 'The ranges are those of `serviceCIDRs`; objects of kind ServiceCIDR are not watched.'),
  deviation(78, 'In nftables mode each of more than eight back ends gets 1/N within 1.6 %; up to eight get it exactly.'),
  deviation(
    80,
    'In iptables mode clients are remembered in ipsets, any number of them. Without ipset it is as in the reference: about 100 for each back end.',
  ),
  deviation(102, 'The address of the Node is taken as it is now, not as it was at the start.'),
  deviation(
    107,
    'Flows of deleted Services and of Services without a serving endpoint are deleted as well, as later versions of the reference do.',
  ),
  partly(
    113,
    'The rule is there and follows the setting; dropped packets are not counted, which would need nfacct objects. No stray segment is sent.',
  ),
  deviation(
    131,
    'The two counters that read nfacct objects are absent, as they are in the reference on a kernel without nfacct.',
  ),
  deviation(
    142,
    'A write ends the agent only where a field differs that a running agent cannot take. The period of syncs and the level of the log are taken at once, also from a ConfigMap; a file that cannot be used is told of, and the agent goes on as it was.',
  ),
  partly(146, 'The deprecation that ipvs mode tells besides is proven as the Event that is made, not at an API server.'),
  deviation(
    153,
    'No hourly full sync. Every syncPeriod, or less often where reading takes more than a hundredth of the time, an audit reads the kernel back and repairs what differs, whatever the number of endpoints.',
    ['SP-152', 'SP-158'],
  ),
  partly(154, 'Ten changes under load in each variant that runs the suite, and kills of the agent; not hours of churn.'),
  partly(
    161,
    'What kube-proxy leaves in the kernel is laid out by the tests, for its ipvs mode as recorded output of the tools; a running kube-proxy was not there to take over from.',
  ),
  deviation(
    175,
    'The kernel is not asked for its version: everything that the mode needs is tried out in one transaction that leaves nothing, and what is refused is named. The variable that skips the check has no use then.',
  ),
  partly(176, 'Elements and rules are counted at 10 and at 10,000 Services; latencies are not compared.'),
  unproven(178, 'Sizes and counts are tested, not times.'),
  unproven(180, 'Needs a real cluster with several nodes and the Kubernetes test images.'),
  unproven(181, 'Needs a real cluster. Taking over the rules of one node is item 161.'),
  unproven(182, 'There is no container image in this release, so there is no pod to run.'),
];

export const serviceProxyRemarks: readonly Remark[] = [...ofAnyMode, ...ipvsModeRemarks].toSorted((a, b) => a.item - b.item);

import type { Remark } from './render-coverage.ts';

function unproven(text: string): Remark {
  return { kind: 'unproven', text };
}

function partly(text: string): Remark {
  return { kind: 'partly', text };
}

function deviation(text: string): Remark {
  return { kind: 'deviation', text };
}

/** Written by hand: why an item has no test, what its tests leave out, and where the product differs on purpose. */
export const remarks: ReadonlyMap<number, Remark> = new Map<number, Remark>([
  [
    15,
    deviation(
      'Of two occurrences that differ otherwise a ready one wins, then that of the slice whose name sorts last. The reference leaves it open.',
    ),
  ],
  [19, partly('The absence lasts minutes of a turned clock and seconds of a real one, not an hour.')],
  [21, partly('Requests are compared with the role; no API server that enforces roles was there to ask.')],
  [31, partly('SCTP is proven on rules and by the packet tracer only: Node has no SCTP sockets.')],
  [
    43,
    deviation(
      'The primary address follows the Node while the agent runs; the reference reads it once at the start. An address that no interface has accepts nothing.',
    ),
  ],
  [
    80,
    deviation(
      'Clients are remembered in ipsets, any number of them. Without ipset it is as in the reference: about 100 for each back end.',
    ),
  ],
  [102, deviation('The address of the Node is taken as it is now, not as it was at the start.')],
  [
    107,
    deviation(
      'Flows of deleted Services and of Services without a serving endpoint are deleted as well, as later versions of the reference do.',
    ),
  ],
  [
    113,
    partly(
      'The rule is there and follows the setting; dropped packets are not counted, which would need nfacct objects. No stray segment is sent.',
    ),
  ],
  [
    131,
    deviation('The two counters that read nfacct objects are absent, as they are in the reference on a kernel without nfacct.'),
  ],
  [146, partly('Of ipvs mode only the text of the Event is proven: its data plane is not in this release.')],
  [
    153,
    deviation(
      'No hourly full sync. Every syncPeriod, or less often where reading takes more than a hundredth of the time, an audit reads the kernel back and repairs what differs, whatever the number of endpoints; items 158 and 152 have the tests.',
    ),
  ],
  [154, partly('Ten changes under load in each variant of iptables, and kills of the agent under item 155; not hours of churn.')],
  [
    159,
    partly(
      'Mode switches to nftables and ipvs are decided and cleaned up after, but cannot be completed: those data planes are not in this release.',
    ),
  ],
  [
    161,
    partly(
      'What kube-proxy leaves in the kernel is laid out by the tests; a running kube-proxy was not there to take over from.',
    ),
  ],
  [170, partly('Decided and written at the start; the data plane that needs it is not in this release.')],
  [171, partly('Decided and written at the start; the data plane that needs them is not in this release.')],
  [179, partly('In iptables mode, in both families; nftables mode is not in this release.')],
  [180, unproven('Needs a real cluster with several nodes and the Kubernetes test images.')],
  [181, unproven('Needs a real cluster. Taking over the rules of one node is item 161.')],
  [182, unproven('There is no container image in this release, so there is no pod to run.')],
]);

import type { Remark } from './checklist.ts';
import { deviation, elsewhere, partly } from './remark.ts';

/** How ipvs mode differs from kube-proxy's, item by item (service-proxy 3.4 and 11, ipvs 14). */
export const ipvsModeRemarks: readonly Remark[] = [
  deviation(
    2,
    'In ipvs mode with serviceCIDRs the whole range is local to the node, so the ClusterIP of a Service left to another proxy is refused here. Without serviceCIDRs it is left alone.',
  ),
  deviation(
    49,
    'In ipvs mode 127.0.0.1 is served only where iptables.localhostNodePorts is given as true; the reference never does.',
    ['IPVS-40'],
  ),
  deviation(
    66,
    'In ipvs mode dropped as well; there the reference refuses, or uses remote endpoints where the Service is reachable from outside.',
  ),
  deviation(67, 'In ipvs mode dropped as well; there the reference sends to remote endpoints, whose answers are lost.'),
  deviation(69, 'In ipvs mode the same; there the reference uses local endpoints only, if there are any.'),
  deviation(70, 'In ipvs mode the same; there the reference uses local endpoints only, if there are any.'),
  partly(78, 'In ipvs mode the shares are proven; that rr takes exact turns is the kernel’s own promise.'),
  deviation(80, 'In ipvs mode the same, remembered in nftables; there the reference remembers for each address by itself.'),
  deviation(82, 'In ipvs mode the same; there the reference goes on remembering while a connection of the client is left.'),
  deviation(89, 'In ipvs mode the same; there the reference masquerades where the source is itself an address of a Service.'),
  deviation(
    130,
    'In ipvs mode the INPUT policy of the host holds, as in the reference’s nftables mode: Waypost has a table of its own there, and its accept overrides no drop of another.',
  ),
  deviation(
    133,
    'In ipvs mode the counter for iptables-restore counts every failed write: the reference has no other, and Waypost runs no iptables there.',
  ),
  elsewhere(152, 'in ipvs mode', ['IPVS-57']),
  elsewhere(155, 'in ipvs mode', ['IPVS-51']),
  elsewhere(156, 'in ipvs mode', ['IPVS-50']),
  elsewhere(157, 'in ipvs mode', ['IPVS-53', 'IPVS-54']),
  deviation(160, 'Virtual servers of other programs stay; the reference flushes all of the machine.', ['IPVS-53', 'IPVS-54']),
  deviation(
    162,
    'In ipvs mode there are no KUBE- chains, no ipsets and no kube-ipvs0: all rules are in the tables ip waypost and ip6 waypost. Plug-ins that jump to KUBE-MARK-MASQ do not find it there. The mark bit is kept.',
  ),
  deviation(
    164,
    'A Service address without affinity has a virtual server of its own. Node ports, the Local policies and affinity have servers of a firewall mark, so that no address needs one of its own.',
    ['IPVS-1', 'IPVS-20', 'IPVS-39', 'IPVS-56'],
  ),
  deviation(
    165,
    'There is no dummy interface: service ranges are local by one route each, external and load-balancer addresses by a rule for marked packets.',
    ['IPVS-26', 'IPVS-35', 'IPVS-38'],
  ),
  deviation(
    166,
    'A destination goes within seconds of its last active connection, whatever is in TIME_WAIT, and at the latest after the drain time; the reference waits for both kinds without end. SCTP drains as TCP does.',
    ['IPVS-42', 'IPVS-43', 'IPVS-45'],
  ),
  deviation(
    167,
    'The weight is set back in place, to what an annotation asks for or 1; the reference deletes the destination and adds it anew.',
    ['IPVS-49', 'IPVS-50'],
  ),
  deviation(168, 'ICMP echo is answered unless ipvs.echo is refuse.', ['IPVS-31', 'IPVS-32']),
  deviation(
    169,
    'Virtual servers of other programs survive wherever they are; the reference deletes those outside of excludeCIDRs in each sync. Here excludeCIDRs takes addresses out of our own service ranges.',
    ['IPVS-53'],
  ),
  deviation(170, 'Cleanup restores what was there before; the reference leaves its own values.', ['IPVS-37']),
  deviation(
    171,
    'Where the operator gives no time-out TCP has 7,500 s and UDP 60 s; the reference leaves the kernel’s 900 s and 300 s. Cleanup restores what was there before.',
    ['IPVS-33', 'IPVS-58', 'IPVS-59'],
  ),
  deviation(172, 'Ipvs mode uses no ipset: what those sets say is in maps and sets of an nftables table.', [
    'SP-91',
    'SP-99',
    'IPVS-39',
  ]),
  deviation(173, 'Clients from outside are dropped as in iptables mode; pods and the node reach the endpoints of the cluster.', [
    'SP-67',
    'SP-69',
    'SP-70',
  ]),
];

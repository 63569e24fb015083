import { readChecklist } from './checklist.ts';
import type { Checklist } from './checklist.ts';
import { ingressRemarks } from './ingress-remarks.ts';

/** What publishing Services by firewall mark has to do, in short. */
const text = `
# A. What is published
1 a Service of our class, on its address, through every node
2 other classes untouched; an annotation opts in
3 addresses of ipMode Proxy are not programmed
4 addresses that are refused, with an Event
5 one port of two Services: the older wins, the newer is told, and heals
6 ports that are not published; sockets of the node are never reached
# B. Several ports
7 two TCP ports of a Service: one pod for a client
8 a TCP and a UDP port: one pod for a client
9 a range of ports, with affinity
10 scope port: a server for each port, chosen apart
11 affinity ends with its time-out; a /24 groups clients
12 other target ports, for outside, pod and node; the target port itself is refused
13 the balancer counts every packet of rewritten ports
14 target ports that differ between endpoints: reduced scope, still serving
15 an endpoint that lacks one port of the group is left out
# C. Marks
16 the same marks after a restart and after a crash
17 no mark of a foreign virtual server or rule
18 a mask with gaps; capacity; exhaustion is told
19 foreign bits before the balancer change nothing
20 foreign bits of other traffic are unchanged
21 no mark leaves the node
22 a process cannot mark its packets into a server
23 a pod cannot
24 the policy table holds published addresses only
25 a deleted rule or table comes back
26 a flushed nftables table comes back whole
# D. Modes
27 mesh: a remote endpoint answers and sees the node
28 local: the pod sees the client; no endpoint, no answer, 503
29 clients inside the cluster reach a Local address
30 hairpin
31 node ports on all allowed addresses, later ones too
32 direct return by IP in IP: answers bypass the ingress node
33 by GUE and by direct routing; mixed with local endpoints
34 the second hop never sends on
35 tunnel packets of others than nodes are dropped
36 rp_filter is set up, or reported
37 a megabyte up and down through a tunnel
38 a flow survives its way to another ingress node
39 all nodes place clients alike
40 weights; weight 0 drains; sums for nodes
# E. Changes
41 a scheduler changes in place; an unknown one is told
42 draining
43 withdrawal leaves no half state and nothing behind
44 source ranges for outside, pod and node
45 what happens without endpoints, at once
46 both families with one number
47 UDP moves with the next datagram; one-packet only with direct return
48 SCTP
49 ARP and NDP are silent or answer as configured; an owner's change moves traffic
# F. Together
50 a controller for HTTP, TLS and QUIC: one instance for a client
51 an endpoint in the host network
52 invalid annotations
53 vs.conntrack is restored
54 cleanup removes what is ours, and no more
55 2,000 published Services: a change is small
56 restart under load
`;

export const ingress: Checklist = {
  code: 'INGRESS',
  name: 'ingress',
  page: 'docs/coverage-ingress.md',
  intro: [
    'Tests with real packets and virtual servers of marks are in `test/ipvs`: they run in place where the running kernel has IPVS,',
    'and else in a virtual machine whose kernel does.',
  ],
  items: readChecklist(text),
  remarks: ingressRemarks,
};

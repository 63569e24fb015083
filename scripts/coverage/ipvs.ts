import { readChecklist } from './checklist.ts';
import type { Checklist } from './checklist.ts';
import { ipvsRemarks } from './ipvs-remarks.ts';

/** What the IPVS wrapper and the data plane on top of it have to do, in short. */
const text = `
# A. The kernel interface
1 servers of each protocol, family and mark read back as written
2 marks compare as whole numbers
3 what is there already, or gone already, is no failure
4 IPv6 prefix always sent; IPv4 mask in network order
5 byte order of ports, marks, families and protocols
6 only managed flag bits are touched
7 a new weight keeps everything else of a destination
8 an edited server keeps what the edit does not name
9 address family always sent; weights above 65535
10 a server that is gone is not one without destinations
11 dumps of more than 10,000 servers are complete
12 one refusal hides no other and is told of its object
# B. Text and /proc
13 malformed input never reaches ipvsadm
14 full specifications on every line
15 thresholds are read by another way than -S
16 the /proc/net/ip_vs parser
# C. Scheduling and persistence
17 scheduler modules load; an unknown one falls back, with an Event
18 sh and mh never without fallback
19 sorted destinations, the same mh table on every node
20 wrr honours weights
21 persistence by port, and across ports of a mark
22 time-out and mask are edited in place; a /24 groups clients
23 no one-packet scheduling with NAT; port 0 on servers of marks
# D. Ways to a back end
24 pod to a remote pod keeps its source
25 two pods on one bridge; bridge-nf off is told
26 node to a remote pod, from the node's address
27 outside to a ClusterIP, masqueraded
28 hairpin, and no masquerade of other flows
29 host-network endpoint from pod, node and outside
30 an unallocated service address is refused
31 host ports stay closed on service addresses
32 echo to service addresses as configured
# E. Kernel parameters, routes and marks
33 vs.conntrack is set, watched and repaired
34 no reliance on ct status dnat
35 the local route has a source that follows the node's address
36 a client inside the service range is reported
37 strict ARP, and restored by cleanup
38 the policy table holds service addresses only
# F. Node ports and refusals
39 every node address, later ones too, without new servers
40 never on ClusterIPs; loopback only when asked for
41 no endpoints: refused at once, nothing in the kernel log
# G. Draining and dead back ends
42 a draining back end keeps its connections and gets no new ones
43 gone within seconds of its last connection; drain time enforced
44 a client with affinity leaves a draining back end
45 a UDP client switches with its next datagram
46 a client of a dead back end gets a reset
47 a reused client port connects without delay
48 death of a node hangs nobody longer than the bound
49 ready again during its drain: weight and flows kept
50 a restart heals leftovers of weight 0
# H. Restart, ownership and change
51 a restart drops no packet
52 nothing is deleted before both lists are complete
53 foreign virtual servers survive
54 cleanup leaves nothing of ours, and restores sysctls
55 replacing all endpoints under load loses no connection
56 a scheduler changes in place
57 one endpoint of 10,000 Services costs at most three operations
# I. Limits and time-outs
58 TCP and UDP time-outs
59 sysctls only when different, and logged; run_estimation
60 MSS clamp for tunnels
61 ICMP frag-needed reaches the pod
62 SCTP
63 thresholds and source port 20 documented
# J. Operation
64 metrics
65 a missing module
66 dual-stack in both families
`;

export const ipvs: Checklist = {
  code: 'IPVS',
  name: 'IPVS',
  page: 'docs/coverage-ipvs.md',
  intro: [
    'Tests that need IPVS in the kernel run in place where the running kernel has it, and else in a virtual machine whose kernel',
    'does. What an operator and a client may rely on in every mode is on [the page of the service proxy](coverage.md): rows of',
    'its packet table and its suites are run in ipvs mode as well, by the test files in `test/ipvs`.',
  ],
  items: readChecklist(text),
  remarks: ipvsRemarks,
};

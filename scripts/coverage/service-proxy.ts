import { readChecklist } from './checklist.ts';
import type { Checklist } from './checklist.ts';
import { serviceProxyRemarks } from './service-proxy-remarks.ts';

/** What kube-proxy's users may rely on, in short. */
const text = `
# A. API intake
1 all namespaces are handled
2 a Service labelled for another proxy is left alone
3 adding and removing that label takes effect live
4 headless and ExternalName Services make no rules
5 a slice labelled headless is ignored
6 slices join by label and namespace only
7 Service and slices may come in either order
8 a slice of names instead of addresses is ignored
9 missing conditions have their defaults
10 an incomplete slice port contributes nothing
11 only the first address of an endpoint counts
12 slice ports match by name and protocol and bring the number
13 slices of one Service are united
14 an endpoint that moves between slices is never lost
15 a live occurrence beats a terminating one
16 an endpoint without a node name is not local
17 edits that change nothing cause no work
18 an edit taken back before the sync changes nothing
19 losing the API server changes nothing
20 a watch that is too old is listed again without a gap
21 the usual cluster role suffices
# B. Families and parsing
22 dual-stack Services use the slices of each family
23 single-stack Services exist in one family only
24 a family without endpoints rejects
25 without ipFamilies the ClusterIP decides
26 addresses of the other family are dropped quietly
27 leading zeros are decimal, output is canonical
28 blanks round source ranges, blank and broken entries
29 mapped addresses are IPv4, host bits are masked
30 IPv6 off in the kernel; the primary family missing
# C. Service model
31 TCP, UDP and SCTP, each for itself
32 several ports with their own target ports
33 external IPs for any type on every node
34 the gate that switches external IPs off
35 load-balancer IPs by mode
36 hostname-only ingress is ignored
37 load balancers without node ports
38 every change converges and leaves nothing old
39 deletion removes everything
40 external policy without external destination
41 the two policies do not mix
# D. Node ports
42 tvn default addresses
43 the keyword primary
44 prefixes limit the addresses
45 a family without prefix stays open, with a warning
46 a zero-length prefix means all
47 primary beside others is refused
48 t loopback node ports and their switch
49 IPv6 loopback never; other modes not at all
50 t loopback sockets stay out of reach
51 a Service IP wins over a node port
52 tv a new interface address accepts node ports
# E. Endpoint selection
53 ready endpoints, never unready ones
54 terminating ones as the last resort
55 that fallback for each list by itself
56 terminating and not serving is never used
57 published-not-ready counts as ready
58 node hints
59 node hints for others fall through to zones
60 zone hints
61 one missing hint disables them
62 no zone, or none for it
63 a changed zone label filters anew
64 local lists and the fallback ignore hints
# F. Verdicts
65 ClusterIP without endpoints is refused
66 tn internal Local with remote endpoints only drops
67 tn external Local with remote endpoints only drops
68 external Local without any endpoint rejects
69 tn pods are short-circuited past external Local
70 tn so is the node, masqueraded
71 not without a detector
72 tn the node's own packets to addresses without endpoints
73 node port without endpoints is refused everywhere
74 tvn unused port of a ClusterIP
75 n unassigned ClusterIPs are dropped
76 verdicts are for new connections only
77 refusals come at once
# G. Spreading and affinity
78 tvn equal shares
79 new endpoints move no connection
80 tn one endpoint for one client over all addresses
81 affinity is per port
82 expiry, renewed by new connections
83 a removed endpoint is replaced for good
84 a changed timeout holds for the next connection
85 affinity survives restart and other Services' syncs
86 affinity respects external Local
# H. Source NAT
87 pods keep their address to a ClusterIP
88 node and outside are masqueraded to a ClusterIP
89 tn detector off: no masquerade
90 masqueradeAll
91 external Cluster policy always masquerades
92 external Local keeps the client's address
93 a pod that reaches itself
94 all four detectors
95 changed podCIDRs end the process
96 one mark bit, cleared again
97 random source ports
98 other traffic is never rewritten
# I. Source ranges
99 listed passes, unlisted times out
100 other destinations are not filtered
101 open families
102 a node that owns the VIP
103 a node outside the ranges
104 filter before short-circuit
105 tvn filter without endpoints
106 changed ranges hold for new connections
# J. Conntrack
107 a UDP client follows to a new endpoint
108 a flow older than the first endpoint is cleaned
109 all kinds of addresses are cleaned
110 valid entries stay
111 TCP and SCTP entries stay
112 one dump, interrupted reads, no failed sync
113 t INVALID packets are dropped and counted
114 the size of the table
115 time-outs and liberal mode
# K. Health server
116 keys and headers
117 a stuck change turns it to 503
118 idle stays 200
119 a leaving node
120 cordon, NotReady and a vanished Node do not count
121 both families on the default address
122 a taken port
# L. healthCheckNodePort
123 opened and closed with its reason
124 codes and body
125 weight header
126 terminating endpoints
127 an ill data plane
128 tvn addresses
129 a busy port
130 tv passes the host's INPUT policy
# M. Metrics and debug HTTP
131 every metric
132 proxyMode, healthz, configz
133 failure counters
134 programming latency
135 ports without local endpoints
136 profiling endpoints only on demand
# N. Configuration and process
137 kubeadm's ConfigMap
138 flags beside a file
139 every flag
140 every validation rule
141 periods from the right block
142 a written config file
143 write-config-to
144 init-only
145 no fall-back to another mode
146 the Starting event
147 oom_score_adj
148 a missing Node
# O. Sync and lifecycle
149 nothing before both lists
150 rate limit
151 failed syncs lose nothing
152 tn a change costs one Service
153 periodic full sync
154 no attempt fails during syncs
155 kill and restart
156 changes while it was down
# P. Coexistence and cleanup
157 foreign rules survive
158 tn deleted chains come back
159 leftovers of other modes
160 cleanup
161 taking over from kube-proxy
162 names others rely on
163 both iptables backends and their lock
# Q. ipvs
164 v virtual servers and scheduler
165 v addresses on the dummy interface
166 v draining
167 v returning destinations
168 v host ports stay unreachable through VIPs
169 v excludeCIDRs
170 v strictARP
171 v sysctls and time-outs
172 v ipset names
173 v external Local without local endpoints
# R. nftables
174 n tables and hooks
175 n old kernels
176 n flat lookup
177 n restart without change
178 n full sync within budget
# S. Whole system
179 tn every row of the packet matrix
180 Kubernetes' own end-to-end tests
181 swapping node by node
182 the usual pod spec
`;

export const serviceProxy: Checklist = {
  code: 'SP',
  name: 'service proxy',
  page: 'docs/coverage.md',
  intro: [
    'This release has two data planes, iptables (t) and ipvs (v): where an item speaks of nftables (n) as well, only its part',
    'about the other two is proven. An item that names iptables and nftables alone does so because kube-proxy falls short of it',
    'in ipvs mode; its remark says what Waypost does there.',
    '',
    'Rows of the packet table (`test/packets/scenarios`) are run against frontends, through packet tracers over what the data',
    'planes plan, and with real packets between network namespaces: in iptables mode with both variants of the tools, and in',
    'ipvs mode in a virtual machine whose kernel has IPVS, or in place where the running kernel has it. Suites are run likewise;',
    'the last table says which test files run what.',
    '',
    'What IPVS itself has to do is listed on [a page of its own](coverage-ipvs.md).',
  ],
  items: readChecklist(text),
  remarks: serviceProxyRemarks,
};

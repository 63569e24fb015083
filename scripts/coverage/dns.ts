import { readChecklist } from './checklist.ts';
import type { Checklist } from './checklist.ts';
import { dnsRemarks } from './dns-remarks.ts';

/** What clients, operators and dashboards may expect of the resolver, in short. */
const text = `
# A. Services
1 A of a Service: its ClusterIP, the TTL, authoritative
2 the same over TCP
3 one name in two namespaces has two answers
4 several ports or unnamed ports: one A
5 dual stack: A is IPv4 only, AAAA IPv6 only
6 a family that is missing: NODATA
7 without ready endpoints it still resolves
8 NodePort, LoadBalancer, external IPs: the ClusterIP alone
9 terminating Services and namespaces are served
10 names of 63 octets, digits first, a--b, svc, pod, any
11 kubernetes.default resolves
12 sixteen other types: NODATA with SOA
13 a burst of 200 questions, 100 TCP connections
14 ANY gets a small answer
# B. What exists
15 missing Service: NXDOMAIN for every type
16 missing namespace: NXDOMAIN at it and below
17 namespace without Services: NODATA
18 svc, pod and apex: NODATA for all types but SOA and NS
19 unknown labels, missing kind, too many labels: NXDOMAIN
20 external names with a search suffix: NXDOMAIN, not forwarded
21 * and any: NXDOMAIN unless wildcards are on
22 labels with a dot, NUL, space or binary: NXDOMAIN
23 no folding beyond ASCII
24 names of 255 octets and of more than 120 labels are answered
25 SOA or TXT of a missing name NXDOMAIN, of an existing one NODATA
26 _tcp below a Service: NODATA where a named TCP port exists
27 dns.Z NODATA, ns.dns.Z resolves
28 dns-version: TXT, other types NODATA, below it NXDOMAIN
29 SOA: fields, TTL and minimum
30 the serial rises with a change
31 NS of the apex with glue
# C. Ports
32 _port._proto: the Service's port, target and address
33 UDP, TCP, SCTP; dashes and digits in names of ports
34 wrong protocol, port, number, target port or order: NXDOMAIN
35 an unnamed port has no _port._proto
36 SRV of the bare name lists each port once
37 dual-stack SRV: one record, both addresses
38 weight 100 alone, else equal and not zero; priority 0
39 names of ports in any case, spelling kept
40 A at _port._proto gives the address
41 headless SRV: port of the slice, endpoints as targets, all glue
42 slices with different numbers for one name
43 SRV at names of endpoints
44 slices without ports or numbers: addresses, no SRV
45 SRV targets are not compressed
46 too many SRV for UDP: TC; for TCP: TC or SERVFAIL
# D. Headless Services and endpoints
47 union of the slices, no duplicates
48 none ready: NXDOMAIN for all types
49 only the other family: NODATA
50 ready absent counts, false does not, terminating does not
51 publishNotReadyAddresses is not read
52 hostname, shared hostname, dashed IPv4 and IPv6, trailing 0
53 a hostname hides the dashed form; pod names are not published
54 names of endpoints of ClusterIP Services
55 nothing leaks between namespaces
56 slices without Service, without label, of names: nothing
57 60, 300 and 1,000 endpoints over TCP
58 addresses rotate
# E. ExternalName
59 CNAME alone where CNAME is asked
60 A and AAAA followed: upstream, in the cluster, stub domain, hosts
61 other types carry the CNAME
62 chains of 8; chains of 25 are bounded, loops end
63 NXDOMAIN, NODATA, SERVFAIL at the end of a chain
64 an address as target: NXDOMAIN
65 nothing below an ExternalName
# F. Reverse names
66 PTR of ClusterIPs and endpoints, twins, precedence
67 any case
68 unknown, unready, external and pod addresses fall through
69 malformed reverse names
70 other types of a reverse name of ours: NODATA
71 PTR at forward names
# G. Pods
72 insecure: IPv4, IPv6, bad syntax, missing namespace, other family
73 verified: namespace, phase, end, host network, all addresses
74 disabled
75 nothing below names of pods; SRV NODATA
# H. Messages
76 case of question and owner comes back
77 RD and CD copied, AD and Z clear, ids 0 and 65535
78 replies as questions are ignored
79 other opcodes: NOTIMP
80 other classes are refused
81 version names of class CH are refused
82 transfers are refused everywhere
83 RA is set
84 OPT where one was sent, with every response code
85 BADVERS
86 DO comes back, other flags are clear
87 options: unknown, client subnet, NSID, cookie, keepalive
88 two OPTs, wrong owner, broken lengths
89 sizes from 0 to the cap
90 TC only where answers were dropped, the rest kept
91 malformed messages over UDP and TCP, and fuzz: no crash
92 TCP: pipelining, cuts, reuse, half-close, idle, slow senders
# I. Forwarding
93 all types pass, unknown ones and the root too
94 NXDOMAIN and NODATA of upstreams with their SOA; dangling CNAME
95 failures of upstreams stay failures
96 truncated replies of upstreams
97 slow, lost and dead upstreams; the next one
98 wrong id, wrong question, garbage before the right reply
99 random ids and ports
100 cookies are not forwarded; RD, DO and CD are
101 AD is shown only where asked for
# J. Cache
102 hits across case, type and transport; countdown and end
103 negative answers and their TTL
104 SERVFAIL is kept briefly
105 truncated answers are not kept; hits suit the size asked for
106 OPT is not kept
107 caps lower TTLs, nothing raises them; TTL 0
108 equal misses are merged
109 the cluster's zone is not kept by default; kept, it counts down
# K. Routing
110 stub domains: suffix, depth, case, finality
111 hosts: A, AAAA, alias, NODATA, PTR, fall-through
112 exact rewriting
113 autopath
114 without upstream foreign names are refused
115 ttl 0, ignore empty_service, endpoint_pod_names, namespaces
# L. Readiness and change
116 before the sync: SERVFAIL for what depends on it; /ready and /health
117 without the API server all answers stay
118 every kind of change shows within 5 s
119 metrics: names, labels, increments
120 bodies of /ready and /health
# M. Options and operation
121 wildcards, when on
122 names by zone, when on
123 replies leave from the address that was asked
124 without the resolver the node goes on with the cluster's DNS
125 loops are found
126 reload without loss; a bad file is ignored
127 ConfigMap of kube-dns
128 stock Corefile
129 access rules
130 query log: format and escaping
`;

export const dns: Checklist = {
  code: 'DNS',
  name: 'cluster DNS',
  page: 'docs/coverage-dns.md',
  intro: [
    'Z is the domain of the cluster. Readable cases of the zone are in `test/dns/cases`, one file a subject; titles of cases name',
    'items too. What operators should know of the resolver is in [its guide](dns.md).',
  ],
  items: readChecklist(text),
  remarks: dnsRemarks,
};

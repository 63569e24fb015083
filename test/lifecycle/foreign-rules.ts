import type { Family } from '../../src/model/mod.ts';

const addresses = {
  IPv4: { client: '203.0.113.66/32', virtual: '203.0.113.77/32', real: '203.0.113.78:99' },
  IPv6: { client: '2001:db8:66::1/128', virtual: '2001:db8:77::1/128', real: '[2001:db8:78::1]:99' },
} as const;

/**
 * What other programs keep in nat, filter and mangle, for a restore that replaces all three: a network
 * plug-in's chains, one of them with a name that begins like ours, a comment that reads like a jump of
 * ours, and kubelet's chains. The latter also show which variant of iptables the host uses.
 */
export function foreignRules(family: Family): string {
  const { client, virtual, real } = addresses[family];
  return `*mangle
:KUBE-KUBELET-CANARY - [0:0]
COMMIT
*nat
:CNI-PORTMAP - [0:0]
:KUBE-ROUTER-MASQ - [0:0]
-A PREROUTING -m comment --comment "the portmap rules, before any -j KUBE-SERVICES of others" -j CNI-PORTMAP
-A POSTROUTING -j KUBE-ROUTER-MASQ
-A CNI-PORTMAP -d ${virtual} -p tcp -m tcp --dport 99 -j DNAT --to-destination ${real}
-A KUBE-ROUTER-MASQ -s ${virtual} -d ${client} -j MASQUERADE
COMMIT
*filter
:CNI-POLICY - [0:0]
:KUBE-FIREWALL - [0:0]
:KUBE-ROUTER-INPUT - [0:0]
-A INPUT -j KUBE-FIREWALL
-A INPUT -j KUBE-ROUTER-INPUT
-A FORWARD -m comment --comment "it's \\"quoted\\"" -j CNI-POLICY
-A OUTPUT -j KUBE-FIREWALL
-A CNI-POLICY -s ${client} -j DROP
-A KUBE-FIREWALL ${kubeletRule}
-A KUBE-ROUTER-INPUT -s ${client} -p tcp -m tcp --dport 1:9 -j REJECT
COMMIT
`;
}

/** What kubelet before 1.28 kept in the chain that is shared with it. */
export const kubeletRule =
  '-m comment --comment "kubernetes firewall for dropping marked packets" -m mark --mark 0x8000/0x8000 -j DROP';

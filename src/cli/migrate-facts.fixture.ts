import { parseInterfaceAddresses } from './check-facts.ts';
import { goodNode } from './check-facts.fixture.ts';
import type { MigrationFacts } from './migrate-facts.ts';

/** A node on which no kube-proxy ever was. */
export const bareNode: MigrationFacts = {
  node: goodNode,
  kubeProxy: { process: null, page: null },
  machine: { cpus: 4, kernelRelease: '6.1.0-50-amd64' },
  rules: { IPv4: '', IPv6: '' },
  tables: { IPv4: null, IPv6: null },
  sets: '',
  sockets: [],
  parameters: new Map(),
};

/** `iptables-save` of kube-proxy in iptables mode, with two service ports. */
export const iptablesSave = `*filter
:KUBE-FIREWALL - [0:0]
:KUBE-FORWARD - [0:0]
:KUBE-SERVICES - [0:0]
COMMIT
*nat
:KUBE-MARK-MASQ - [0:0]
:KUBE-SEP-AAAAAAAAAAAAAAAA - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-AAAAAAAAAAAAAAAA - [0:0]
:KUBE-SVC-BBBBBBBBBBBBBBBB - [0:0]
:KUBE-SVL-BBBBBBBBBBBBBBBB - [0:0]
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m tcp --dport 443 -j KUBE-SVC-AAAAAAAAAAAAAAAA
COMMIT
`;

/** `nft list table ip kube-proxy` of its nftables mode. */
export const nftTable = `table ip kube-proxy {
	comment "rules for kube-proxy"
	chain mark-for-masquerade {
		meta mark set meta mark | 0x00004000
	}
	chain services {
	}
	chain service-ULMVA6XW-ns1/svc1/tcp/p80 {
	}
	chain local-ULMVA6XW-ns1/svc1/tcp/p80 {
	}
}
`;

/** A node on which kube-proxy ran in ipvs mode, with a keepalived beside it. */
export const ipvsNode: MigrationFacts = {
  ...bareNode,
  node: {
    ...goodNode,
    virtualServers: `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A600001:01BB rr
  -> C000020B:192B      Masq    1      3          1
TCP  C000020B:7530 rr
TCP  CB007132:0050 wlc
FWM  00000007 rr
`,
    addresses: [
      ...goodNode.addresses,
      ...parseInterfaceAddresses('9: kube-ipvs0    inet 10.96.0.1/32 scope global kube-ipvs0\\       valid_lft forever'),
    ],
  },
  rules: {
    IPv4: '*nat\n:KUBE-LOAD-BALANCER - [0:0]\n:KUBE-SERVICES - [0:0]\n-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000\nCOMMIT\n',
    IPv6: '',
  },
  sets: 'KUBE-CLUSTER-IP\nKUBE-LOOP-BACK\n',
};

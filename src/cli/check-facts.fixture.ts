import type { NodeFacts, SysctlFact } from './check-facts.ts';
import { parseInterfaceAddresses } from './check-facts.ts';

const writable = (value: string): SysctlFact => ({ value, writable: true });

/** A node on which ipvs mode can run: Debian's 6.1 kernel, a bridge plug-in, nothing of other programs. */
export const goodNode: NodeFacts = {
  kernelRelease: '6.1.0-50-amd64',
  status: 'Name:\tnode\nCapEff:\t000001ffffffffff\n',
  loadedModules: 'ip_vs 188416 8 ip_vs_rr, Live 0xffffffffc03ad000\nbr_netfilter 36864 0 - Live 0x0\n',
  installedModules: [
    'kernel/net/netfilter/ipvs/ip_vs.ko: kernel/net/netfilter/nf_conntrack.ko',
    'kernel/net/netfilter/ipvs/ip_vs_rr.ko.xz: kernel/net/netfilter/ipvs/ip_vs.ko',
    'kernel/net/netfilter/ipvs/ip_vs_mh.ko',
    'kernel/net/ipv4/ipip.ko: kernel/net/ipv4/ip_tunnel.ko',
    'kernel/net/ipv6/ip6_tunnel.ko:',
    'kernel/net/ipv4/fou.ko:',
    'kernel/net/ipv6/fou6.ko:',
  ].join('\n'),
  kernelConfig: null,
  virtualServers: 'IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n',
  sysctls: new Map([
    ['net.ipv4.vs.conntrack', writable('0')],
    ['net.ipv4.ip_forward', writable('1')],
    ['net.ipv4.conf.all.rp_filter', writable('0')],
    ['net.ipv4.conf.default.rp_filter', writable('2')],
    ['net.ipv4.tcp_keepalive_time', writable('7200')],
    ['net.bridge.bridge-nf-call-iptables', writable('1')],
    ['net.bridge.bridge-nf-call-ip6tables', writable('1')],
  ]),
  bridges: [
    { name: 'cni0', ports: 3 },
    { name: 'docker0', ports: 2 },
  ],
  interfaces: ['eth0', 'cni0', 'docker0'].map((name) => ({ name, mtu: 1500, alias: null })),
  addresses: parseInterfaceAddresses(
    [
      String.raw`1: lo    inet 127.0.0.1/8 scope host lo\       valid_lft forever preferred_lft forever`,
      String.raw`2: eth0    inet 192.0.2.11/24 brd 192.0.2.255 scope global eth0\       valid_lft forever`,
      String.raw`3: cni0    inet 10.244.1.1/24 brd 10.244.1.255 scope global cni0\       valid_lft forever`,
      String.raw`3: cni0    inet6 fd00:244::1/64 scope global \       valid_lft forever preferred_lft forever`,
      String.raw`4: docker0    inet 172.17.0.1/16 brd 172.17.255.255 scope global docker0\       valid_lft forever`,
    ].join('\n'),
  ),
  programs: new Set(['ipvsadm', 'nft', 'iptables-restore', 'ip']),
  chains: 'table ip filter {\n\tchain INPUT {\n\t\ttype filter hook input priority filter; policy accept;\n\t}\n}\n',
  legacyPolicies: null,
  mangleRules: null,
  routingRules: {
    IPv4: '0:\tfrom all lookup local\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n',
    IPv6: '0:\tfrom all lookup local\n32766:\tfrom all lookup main\n',
  },
  processes: new Set(['systemd', 'kubelet']),
  dns: null,
};

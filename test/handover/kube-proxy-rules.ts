import type { Family } from '../../src/model/mod.ts';
import { formatEndpoint } from '../../src/model/mod.ts';
import { ranges } from '../lab/addressing.ts';

/** A Service of one TCP port with one endpoint, as kube-proxy left it. */
export interface OldService {
  readonly clusterIp: Readonly<Record<Family, string>>;
  readonly port: number;
  readonly nodePort: number;
  readonly endpoint: Readonly<Record<Family, string>>;
  readonly targetPort: number;
}

/** Input of `iptables-restore --noflush`: what kube-proxy in iptables mode has in the kernel for one Service. */
export function iptablesLeftovers(family: Family, service: OldService): string {
  const host = family === 'IPv4' ? 32 : 128;
  const vip = `${service.clusterIp[family]}/${host}`;
  const pod = service.endpoint[family];
  const target = formatEndpoint(pod, service.targetPort);
  const comment = (text: string): string => `-m comment --comment "${text}"`;
  const name = comment('default/old:http cluster IP');
  return `*filter
:KUBE-EXTERNAL-SERVICES - [0:0]
:KUBE-FIREWALL - [0:0]
:KUBE-FORWARD - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-PROXY-CANARY - [0:0]
:KUBE-PROXY-FIREWALL - [0:0]
:KUBE-SERVICES - [0:0]
-A INPUT ${comment('kubernetes health check service ports')} -j KUBE-NODEPORTS
-A INPUT -m conntrack --ctstate NEW ${comment('kubernetes externally-visible service portals')} -j KUBE-EXTERNAL-SERVICES
-A INPUT -m conntrack --ctstate NEW ${comment('kubernetes load balancer firewall')} -j KUBE-PROXY-FIREWALL
-A INPUT -j KUBE-FIREWALL
-A FORWARD -m conntrack --ctstate NEW ${comment('kubernetes load balancer firewall')} -j KUBE-PROXY-FIREWALL
-A FORWARD ${comment('kubernetes forwarding rules')} -j KUBE-FORWARD
-A FORWARD -m conntrack --ctstate NEW ${comment('kubernetes externally-visible service portals')} -j KUBE-EXTERNAL-SERVICES
-A FORWARD -m conntrack --ctstate NEW ${comment('kubernetes service portals')} -j KUBE-SERVICES
-A OUTPUT -m conntrack --ctstate NEW ${comment('kubernetes service portals')} -j KUBE-SERVICES
-A OUTPUT -m conntrack --ctstate NEW ${comment('kubernetes load balancer firewall')} -j KUBE-PROXY-FIREWALL
-A OUTPUT -j KUBE-FIREWALL
-A KUBE-FORWARD ${comment('kubernetes forwarding rules')} -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-FORWARD ${comment('kubernetes forwarding conntrack rule')} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
*nat
:KUBE-EXT-WAYPOSTOLDSERVICE - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-PROXY-CANARY - [0:0]
:KUBE-SEP-WAYPOSTOLDPODPOD - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-WAYPOSTOLDSERVICE - [0:0]
-A PREROUTING ${comment('kubernetes service portals')} -j KUBE-SERVICES
-A OUTPUT ${comment('kubernetes service portals')} -j KUBE-SERVICES
-A POSTROUTING ${comment('kubernetes postrouting rules')} -j KUBE-POSTROUTING
-A KUBE-EXT-WAYPOSTOLDSERVICE ${comment('masquerade traffic for default/old:http external destinations')} -j KUBE-MARK-MASQ
-A KUBE-EXT-WAYPOSTOLDSERVICE -j KUBE-SVC-WAYPOSTOLDSERVICE
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-NODEPORTS -p tcp ${comment('default/old:http')} -m tcp --dport ${service.nodePort} -j KUBE-EXT-WAYPOSTOLDSERVICE
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING ${comment('kubernetes service traffic requiring SNAT')} -j MASQUERADE --random-fully
-A KUBE-SEP-WAYPOSTOLDPODPOD -s ${pod}/${host} ${comment('default/old:http')} -j KUBE-MARK-MASQ
-A KUBE-SEP-WAYPOSTOLDPODPOD -p tcp ${comment('default/old:http')} -m tcp -j DNAT --to-destination ${target}
-A KUBE-SERVICES -d ${vip} -p tcp ${name} -m tcp --dport ${service.port} -j KUBE-SVC-WAYPOSTOLDSERVICE
-A KUBE-SERVICES ${comment('kubernetes service nodeports; NOTE: this must be the last rule in this chain')} -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A KUBE-SVC-WAYPOSTOLDSERVICE ! -s ${ranges.pods[family]} -d ${vip} -p tcp ${name} -m tcp --dport ${service.port} -j KUBE-MARK-MASQ
-A KUBE-SVC-WAYPOSTOLDSERVICE ${comment(`default/old:http -> ${target}`)} -j KUBE-SEP-WAYPOSTOLDPODPOD
COMMIT
*mangle
:KUBE-PROXY-CANARY - [0:0]
COMMIT
`;
}

/** Input of `nft -f`: what kube-proxy in nftables mode has in the kernel for one Service. */
export function nftablesLeftovers(family: Family, service: OldService): string {
  const ip = family === 'IPv4' ? 'ip' : 'ip6';
  const type = family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr';
  const vip = service.clusterIp[family];
  const pod = service.endpoint[family];
  const target = formatEndpoint(pod, service.targetPort);
  return `table ${ip} kube-proxy {
  comment "rules for kube-proxy"
  map service-ips {
    type ${type} . inet_proto . inet_service : verdict
    comment "ClusterIP, ExternalIP and LoadBalancer IP traffic"
    elements = { ${vip} . tcp . ${service.port} : goto service-OLDSERVICE-default/old/tcp/http }
  }
  map service-nodeports {
    type inet_proto . inet_service : verdict
    comment "NodePort traffic"
    elements = { tcp . ${service.nodePort} : goto external-OLDSERVICE-default/old/tcp/http }
  }
  chain mark-for-masquerade {
    meta mark set meta mark or 0x4000
  }
  chain masquerading {
    meta mark and 0x4000 == 0 return
    meta mark set meta mark xor 0x4000
    masquerade fully-random
  }
  chain endpoint-OLDPOD-default/old/tcp/http__${pod.replaceAll(':', '.')}/${service.targetPort} {
    ${ip} saddr ${pod} jump mark-for-masquerade
    meta l4proto tcp dnat to ${target}
  }
  chain service-OLDSERVICE-default/old/tcp/http {
    ${ip} daddr ${vip} tcp dport ${service.port} ${ip} saddr != ${ranges.pods[family]} jump mark-for-masquerade
    numgen random mod 1 vmap { 0 : goto endpoint-OLDPOD-default/old/tcp/http__${pod.replaceAll(':', '.')}/${service.targetPort} }
  }
  chain external-OLDSERVICE-default/old/tcp/http {
    jump mark-for-masquerade
    goto service-OLDSERVICE-default/old/tcp/http
  }
  chain services {
    ${ip} daddr . meta l4proto . th dport vmap @service-ips
    fib daddr type local meta l4proto . th dport vmap @service-nodeports
  }
  chain nat-prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    jump services
  }
  chain nat-output {
    type nat hook output priority -100; policy accept;
    jump services
  }
  chain nat-postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    jump masquerading
  }
}
`;
}

import type { Family } from '../../src/model/mod.ts';
import { formatEndpoint } from '../../src/model/mod.ts';
import { ranges } from '../lab/addressing.ts';
import type { OldService } from './kube-proxy-rules.ts';

const setTypes = {
  'LOOP-BACK': 'hash:ip,port,ip',
  'CLUSTER-IP': 'hash:ip,port',
  'EXTERNAL-IP': 'hash:ip,port',
  'LOAD-BALANCER': 'hash:ip,port',
  'NODE-PORT-TCP': 'bitmap:port range 0-65535',
  'HEALTH-CHECK-NODE-PORT': 'bitmap:port range 0-65535',
  'IPVS-IPS': 'hash:ip',
} as const;

/** The name and the family of one of its sets. */
function setName(family: Family, name: keyof typeof setTypes): string {
  return `${family === 'IPv4' ? 'KUBE-' : 'KUBE-6-'}${name}`;
}

/**
 * A script for `sh -e`: what kube-proxy in ipvs mode has in the kernel for one Service, its filter for addresses of
 * Services among it. May be run again: it is what each of its syncs comes to.
 */
export function ipvsScript(family: Family, service: OldService, nodeAddress: string): string {
  const vip = service.clusterIp[family];
  const pod = service.endpoint[family];
  const place = formatEndpoint(vip, service.port);
  const back = formatEndpoint(pod, service.targetPort);
  const nodePort = formatEndpoint(nodeAddress, service.nodePort);
  const word = family === 'IPv4' ? 'inet' : 'inet6';
  const sets = Object.entries(setTypes).map(([name, type]) => {
    const kind = type.startsWith('hash') ? `${type} family ${word}` : type;
    return `ipset -exist create ${setName(family, name as keyof typeof setTypes)} ${kind}`;
  });
  return `
modprobe ip_vs
ip link show kube-ipvs0 >/dev/null 2>&1 || ip link add kube-ipvs0 type dummy
sysctl -qw net.ipv4.vs.conntrack=1 net.ipv4.vs.expire_nodest_conn=1 net.ipv4.vs.expire_quiescent_template=1
${sets.join('\n')}
ipset -exist add ${setName(family, 'CLUSTER-IP')} ${vip},tcp:${service.port}
ipset -exist add ${setName(family, 'LOOP-BACK')} ${pod},tcp:${service.targetPort},${pod}
ipset -exist add ${setName(family, 'NODE-PORT-TCP')} ${service.nodePort}
ipset -exist add ${setName(family, 'IPVS-IPS')} ${vip}
${[place, nodePort].map((at) => serve(at, back)).join('\n')}
ip address replace ${vip}/${family === 'IPv4' ? 32 : 128} dev kube-ipvs0
`;
}

/** Adds a server or makes it what it should be, as kube-proxy does with one that it finds. */
function serve(place: string, back: string): string {
  return `ipvsadm -A -t ${place} -s rr 2>/dev/null || ipvsadm -E -t ${place} -s rr
ipvsadm -a -t ${place} -r ${back} -m -w 1 2>/dev/null || ipvsadm -e -t ${place} -r ${back} -m -w 1
for other in $(ipvsadm -Sn | sed -n 's/^-a -t ${place.replaceAll(/[[\]]/g, '\\$&')} -r \\(\\S*\\) .*/\\1/p'); do
  if [ "$other" != "${back}" ]; then ipvsadm -e -t ${place} -r "$other" -m -w 0; fi
done`;
}

/** Input of `iptables-restore --noflush` with its chains of that mode. */
export function ipvsRules(family: Family): string {
  const match = (name: keyof typeof setTypes, by: string): string => `-m set --match-set ${setName(family, name)} ${by}`;
  const comment = (text: string): string => `-m comment --comment "${text}"`;
  return `*filter
:KUBE-FORWARD - [0:0]
:KUBE-IPVS-FILTER - [0:0]
:KUBE-IPVS-OUT-FILTER - [0:0]
:KUBE-NODE-PORT - [0:0]
:KUBE-PROXY-FIREWALL - [0:0]
:KUBE-SOURCE-RANGES-FIREWALL - [0:0]
-A INPUT ${comment('kubernetes ipvs access filter')} -j KUBE-IPVS-FILTER
-A INPUT ${comment('kube-proxy firewall rules')} -j KUBE-PROXY-FIREWALL
-A INPUT ${comment('kubernetes health check rules')} -j KUBE-NODE-PORT
-A FORWARD ${comment('kube-proxy firewall rules')} -j KUBE-PROXY-FIREWALL
-A FORWARD ${comment('kubernetes forwarding rules')} -j KUBE-FORWARD
-A OUTPUT ${comment('kubernetes ipvs access filter')} -j KUBE-IPVS-OUT-FILTER
-A KUBE-FORWARD ${comment('kubernetes forwarding rules')} -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-FORWARD ${comment('kubernetes forwarding conntrack rule')} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A KUBE-IPVS-FILTER ${match('LOAD-BALANCER', 'dst,dst')} -j RETURN
-A KUBE-IPVS-FILTER ${match('CLUSTER-IP', 'dst,dst')} -j RETURN
-A KUBE-IPVS-FILTER ${match('EXTERNAL-IP', 'dst,dst')} -j RETURN
-A KUBE-IPVS-FILTER ${match('HEALTH-CHECK-NODE-PORT', 'dst')} -j RETURN
-A KUBE-IPVS-FILTER -m conntrack --ctstate NEW ${match('IPVS-IPS', 'dst')} -j REJECT
-A KUBE-NODE-PORT ${comment('Kubernetes health check node port')} ${match('HEALTH-CHECK-NODE-PORT', 'dst')} -j ACCEPT
-A KUBE-SOURCE-RANGES-FIREWALL -j DROP
COMMIT
*nat
:KUBE-LOAD-BALANCER - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-NODE-PORT - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-SERVICES - [0:0]
-A PREROUTING ${comment('kubernetes service portals')} -j KUBE-SERVICES
-A OUTPUT ${comment('kubernetes service portals')} -j KUBE-SERVICES
-A POSTROUTING ${comment('kubernetes postrouting rules')} -j KUBE-POSTROUTING
-A KUBE-LOAD-BALANCER -j KUBE-MARK-MASQ
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-NODE-PORT -p tcp ${comment('Kubernetes nodeport TCP port for masquerade purpose')} ${match('NODE-PORT-TCP', 'dst')} -j KUBE-MARK-MASQ
-A KUBE-POSTROUTING ${comment('Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose')} ${match('LOOP-BACK', 'dst,dst,src')} -j MASQUERADE
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING ${comment('kubernetes service traffic requiring SNAT')} -j MASQUERADE --random-fully
-A KUBE-SERVICES -s ${family === 'IPv4' ? '127.0.0.0/8' : '::1/128'} -j RETURN
-A KUBE-SERVICES ! -s ${ranges.pods[family]} ${comment('Kubernetes service cluster ip + port for masquerade purpose')} ${match('CLUSTER-IP', 'dst,dst')} -j KUBE-MARK-MASQ
-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODE-PORT
-A KUBE-SERVICES ${match('CLUSTER-IP', 'dst,dst')} -j ACCEPT
COMMIT
`;
}

import type { Family } from '../../src/model/mod.ts';
import { listHosts, podGateway, ranges, secondNodeAddress } from './addressing.ts';
import type { Host, Plan } from './addressing.ts';

/** The lines of a lab, and how its hosts are called by the kernel. */
export interface LabText {
  readonly plan: Plan;
  readonly families: readonly Family[];
  readonly namespaceOf: (host: Host) => string;
}

/**
 * One shell script that builds a whole lab: namespaces, kernel settings, a bridge as underlay and
 * routed veths for pods, as Calico lays them out. Routed pods make a pod's packet to itself pass the
 * node's forward path, which hairpin tests need. Nothing is created outside the lab's own namespaces.
 */
export function renderBuild(lab: LabText): string {
  const { plan } = lab;
  const lanHosts = [plan.node1, plan.node2, plan.outside];
  return [
    'set -e',
    batch(
      null,
      listHosts(plan).map((host) => `netns add ${lab.namespaceOf(host)}`),
    ),
    ...listHosts(plan).map((host) => renderSettings(lab, host)),
    batch(lab.namespaceOf(plan.gateway), renderSwitch(lab, lanHosts)),
    ...[plan.node1, plan.node2].map((node) => batch(lab.namespaceOf(node), renderNode(lab, node))),
    batch(lab.namespaceOf(plan.outside), renderOutside(lab)),
    ...plan.pods.map((pod) => batch(lab.namespaceOf(pod), renderPod(lab, pod))),
    '',
  ].join('\n');
}

/** `ip -batch` input that removes the namespaces and with them all they hold. */
export function renderRemoval(namespaces: readonly string[]): string {
  return namespaces.map((name) => `netns del ${name}\n`).join('');
}

function batch(namespace: string | null, lines: readonly string[]): string {
  return `ip ${namespace === null ? '' : `-n ${namespace} `}-batch - <<'END'\n${lines.join('\n')}\nEND`;
}

/** Written before any interface exists, so that `default` reaches all of them. */
function renderSettings(lab: LabText, host: Host): string {
  const forwards = host.kind === 'node' || host.kind === 'gateway';
  const ipv4 = [
    ['net/ipv4/ip_forward', forwards ? 1 : 0],
    ...bothScopes('net/ipv4/conf', 'rp_filter', host.kind === 'node' ? 2 : 0),
    ...bothScopes('net/ipv4/conf', 'send_redirects', 0),
    ...bothScopes('net/ipv4/conf', 'accept_redirects', 0),
    // A test refuses many connections at once: the kernel must not ration the ICMP errors that say so.
    ['net/ipv4/icmp_ratemask', 0],
    // The outside client sends to 127.0.0.1 across the wire (CVE-2020-8558).
    ...(host.kind === 'outside' ? bothScopes('net/ipv4/conf', 'route_localnet', 1) : []),
  ];
  const ipv6 = [
    ...bothScopes('net/ipv6/conf', 'disable_ipv6', 0),
    ...bothScopes('net/ipv6/conf', 'forwarding', forwards ? 1 : 0),
    ...bothScopes('net/ipv6/conf', 'accept_dad', 0),
    ...bothScopes('net/ipv6/conf', 'dad_transmits', 0),
    ...bothScopes('net/ipv6/conf', 'accept_ra', 0),
    ...bothScopes('net/ipv6/conf', 'accept_redirects', 0),
    ['net/ipv6/icmp/ratelimit', 0],
    ['net/ipv6/icmp/ratemask', ''],
    // Lets the gateway answer from any of the external addresses that are routed to it.
    ...(host.kind === 'gateway' ? [['net/ipv6/ip_nonlocal_bind', 1] as const] : []),
  ];
  const settings = lab.families.includes('IPv6') ? [...ipv4, ...ipv6] : ipv4;
  const lines = settings.map(([path, value]) => `echo ${value} >/proc/sys/${path}`);
  return `ip netns exec ${lab.namespaceOf(host)} sh -e <<'END'\n${lines.join('\n')}\nEND`;
}

function bothScopes(folder: string, name: string, value: number): (readonly [string, number])[] {
  return [
    [`${folder}/all/${name}`, value],
    [`${folder}/default/${name}`, value],
  ];
}

/** The gateway: the bridge of the underlay, the owner of all external addresses, and the end of every other packet. */
function renderSwitch(lab: LabText, members: readonly Host[]): string[] {
  const { plan } = lab;
  return [
    'link set lo up',
    'link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0',
    ...members.flatMap((host) => [
      `link add lan-${host.name} type veth peer name eth0 netns ${lab.namespaceOf(host)}`,
      `link set lan-${host.name} master br0 up`,
    ]),
    'link set br0 up',
    ...perFamily(lab, (family) => [
      `address add ${plan.gateway.addresses[family]}/${lanLength(family)} dev br0${noDad(family)}`,
      `route add local ${ranges.external[family]} dev lo`,
      `route add ${ranges.node1Pods[family]} via ${plan.node1.addresses[family]}`,
      `route add ${ranges.node2Pods[family]} via ${plan.node2.addresses[family]}`,
      // What node1 forwarded here untouched returns through it, or its conntrack would see half of a connection.
      `route add ${plan.outside.addresses[family]} via ${plan.node1.addresses[family]}`,
      `route add blackhole ${family === 'IPv4' ? '0.0.0.0' : '::'}/0`,
    ]),
  ];
}

function renderNode(lab: LabText, node: Host): string[] {
  const { plan } = lab;
  const other = node === plan.node1 ? plan.node2 : plan.node1;
  const otherPods = node === plan.node1 ? ranges.node2Pods : ranges.node1Pods;
  const pods = plan.pods.filter((pod) => pod.node === node.name);
  return [
    'link set lo up',
    'link set eth0 up',
    ...perFamily(lab, (family) => [
      `address add ${node.addresses[family]}/${lanLength(family)} dev eth0${noDad(family)}`,
      ...(node === plan.node1 ? [renderSecondAddress(family)] : []),
      `route add default via ${plan.gateway.addresses[family]}`,
      `route add ${otherPods[family]} via ${other.addresses[family]}`,
      ...(node === plan.node1 ? [] : [`route add ${secondNodeAddress[family]} via ${plan.node1.addresses[family]}`]),
    ]),
    ...pods.flatMap((pod, index) => renderPodLink(lab, pod, index)),
  ];
}

/** Deprecated in IPv6 terms (RFC 6724 rule 3): both families then prefer the node's own address as a source. */
function renderSecondAddress(family: Family): string {
  const lifetime = family === 'IPv6' ? ' nodad preferred_lft 0' : '';
  return `address add ${hostLength(family, secondNodeAddress[family])} dev eth0${lifetime}`;
}

/** Fixed link addresses and permanent neighbours: no first packet waits for ARP or proxy-ARP delays. */
function renderPodLink(lab: LabText, pod: Host, index: number): string[] {
  const device = `pod-${pod.name}`;
  return [
    `link add ${device} address ${linkAddress('a', index)} type veth peer name eth0 address ${linkAddress('b', index)} netns ${lab.namespaceOf(pod)}`,
    `link set ${device} up`,
    ...perFamily(lab, (family) => [
      ...(family === 'IPv6' ? [`address add ${podGateway.IPv6}/64 dev ${device} nodad`] : []),
      `route add ${pod.addresses[family]} dev ${device}`,
      `neighbour replace ${pod.addresses[family]} lladdr ${linkAddress('b', index)} dev ${device} nud permanent`,
    ]),
  ];
}

function renderPod(lab: LabText, pod: Host): string[] {
  const index = lab.plan.pods.filter((other) => other.node === pod.node).indexOf(pod);
  return [
    'link set lo up',
    'link set eth0 up',
    ...perFamily(lab, (family) => [
      `address add ${hostLength(family, pod.addresses[family])} dev eth0${noDad(family)}`,
      `neighbour replace ${podGateway[family]} lladdr ${linkAddress('a', index)} dev eth0 nud permanent`,
      ...(family === 'IPv4' ? [`route add ${podGateway.IPv4} dev eth0 scope link`] : []),
      `route add default via ${podGateway[family]} dev eth0`,
    ]),
  ];
}

function renderOutside(lab: LabText): string[] {
  const { plan } = lab;
  return [
    'link set lo up',
    'link set eth0 up',
    ...perFamily(lab, (family) => [
      `address add ${plan.outside.addresses[family]}/${lanLength(family)} dev eth0${noDad(family)}`,
      ...[ranges.services, ranges.external, ranges.node1Pods].map(
        (range) => `route add ${range[family]} via ${plan.node1.addresses[family]}`,
      ),
      `route add ${secondNodeAddress[family]} via ${plan.node1.addresses[family]}`,
      `route add ${ranges.node2Pods[family]} via ${plan.node2.addresses[family]}`,
    ]),
    // The hostile neighbour of specification 2.1: 127.0.0.1 is not its own but node1's.
    'route del table local local 127.0.0.0/8 dev lo',
    'route del table local local 127.0.0.1 dev lo',
    `route add 127.0.0.1 via ${plan.node1.addresses.IPv4} src ${plan.outside.addresses.IPv4}`,
  ];
}

function perFamily(lab: LabText, lines: (family: Family) => readonly string[]): string[] {
  return lab.families.flatMap(lines);
}

function lanLength(family: Family): number {
  return family === 'IPv4' ? 24 : 64;
}

function hostLength(family: Family, address: string): string {
  return `${address}/${family === 'IPv4' ? 32 : 128}`;
}

function noDad(family: Family): string {
  return family === 'IPv6' ? ' nodad' : '';
}

function linkAddress(side: 'a' | 'b', index: number): string {
  return `02:00:00:00:0${side}:${(index + 1).toString(16).padStart(2, '0')}`;
}

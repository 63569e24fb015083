import { schedulerNames } from '../model/mod.ts';
import {
  areCidrs,
  areNodePortAddresses,
  atMost,
  between,
  isAddress,
  isListenAddress,
  isPreviousMinor,
  isSocketPath,
  notNegative,
  oneOf,
  positive,
} from './checks.ts';
import { dnsFields } from './dns-fields.ts';
import { checkGates } from './feature-gates.ts';
import { field } from './field.ts';
import type { DefaultFacts, Field, ValueKind, ValueKinds } from './field.ts';
import { ingressFields } from './ingress-fields.ts';

/** Where the agent serves its debug pages to the user that it runs as; commands look for it there. */
export const agentSocket = '/run/waypost/agent.sock';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const bit = between(0, 31);

/** Modes in which a flag sets a field or a check counts: some flags set the block of whichever mode is active. */
const inIptables = ['iptables'] as const;
const inIpvs = ['ipvs'] as const;
const inNftables = ['nftables'] as const;
const inLegacy = ['iptables', 'ipvs'] as const;

/**
 * The fields of our own document, `WaypostConfiguration`. Their flags count beside `--config`, so that a file written for
 * kube-proxy can stay as it is.
 */
const ownFields = [
  field(
    'serviceCIDRs',
    'string-list',
    null,
    'ranges of ClusterIPs (ipvs): one route for each range instead of one for each address',
    {
      document: 'own',
      flag: { name: 'service-cidrs', beatsFile: true },
      check: areCidrs,
    },
  ),
  field(
    'connectionMetrics',
    'string',
    'service',
    'connection counts as metrics (ipvs): off, for each service, or for each endpoint',
    {
      document: 'own',
      zeroIsUnset: true,
      flag: { name: 'connection-metrics', beatsFile: true },
      check: oneOf('off', 'service', 'endpoint'),
    },
  ),
  field(
    'statusPage',
    'string',
    'loopback',
    'who is served the status page: loopback, whoever reaches the node on a loopback address, everywhere, or off',
    {
      document: 'own',
      zeroIsUnset: true,
      flag: { name: 'status-page', beatsFile: true },
      check: oneOf('loopback', 'everywhere', 'off'),
    },
  ),
  field(
    'ipvs.drainTime',
    'duration',
    5 * minute,
    'longest time that an endpoint which left may serve its TCP and SCTP connections',
    {
      document: 'own',
      flag: { name: 'ipvs-drain-time', beatsFile: true },
      check: atMost(24 * hour, '24h'),
    },
  ),
  field('ipvs.udpDrainTime', 'duration', 0, 'the same for UDP; clients that send on are moved at once with 0', {
    document: 'own',
    flag: { name: 'ipvs-udp-drain-time', beatsFile: true },
    check: atMost(24 * hour, '24h'),
  }),
  field('ipvs.echo', 'string', 'answer', 'ICMP echo requests to Service addresses: answer or refuse', {
    document: 'own',
    zeroIsUnset: true,
    flag: { name: 'ipvs-echo', beatsFile: true },
    check: oneOf('answer', 'refuse'),
  }),
  field(
    'ipvs.captureBit',
    'integer',
    12,
    'bit of the packet mark of packets to external addresses that the node takes for itself',
    {
      document: 'own',
      flag: { name: 'ipvs-capture-bit', beatsFile: true },
      check: bit,
    },
  ),
  field('ipvs.driver', 'string', 'netlink', 'how IPVS is spoken to: netlink, or exec for the program ipvsadm', {
    document: 'own',
    zeroIsUnset: true,
    flag: { name: 'ipvs-driver', beatsFile: true },
    check: oneOf('netlink', 'exec'),
  }),
  field('nftables.driver', 'string', 'netlink', 'how nf_tables is spoken to: netlink, or exec for the program nft', {
    document: 'own',
    zeroIsUnset: true,
    flag: { name: 'nftables-driver', beatsFile: true },
    check: oneOf('netlink', 'exec'),
  }),
  field('agentSocket', 'string', agentSocket, 'socket on which commands ask the agent, beside metricsBindAddress; empty: none', {
    document: 'own',
    flag: { name: 'agent-socket', beatsFile: true },
    check: isSocketPath,
  }),
  ...dnsFields,
  ...ingressFields,
] as const;

/**
 * Every field of KubeProxyConfiguration v1alpha1 that has a meaning on Linux (specification 9.2), with
 * its flag (9.4), default and check, and those of our own document. A new field is a new row.
 */
const fields = [
  field('mode', 'string', 'iptables', 'how Services are programmed: iptables, ipvs or nftables', {
    zeroIsUnset: true,
    flag: 'proxy-mode',
    check: oneOf('iptables', 'ipvs', 'nftables'),
  }),
  field('featureGates', 'switches', {}, 'Kubernetes feature gates to switch, as Name=true,Other=false', {
    flag: 'feature-gates',
    check: checkGates,
  }),
  field('clientConnection.kubeconfig', 'string', '', 'kubeconfig file; without it and --master the in-cluster account is used', {
    flag: 'kubeconfig',
  }),
  field('clientConnection.acceptContentTypes', 'string', '', 'preferred wire formats of answers'),
  field('clientConnection.contentType', 'string', 'application/vnd.kubernetes.protobuf', 'wire format of requests', {
    zeroIsUnset: true,
    flag: 'kube-api-content-type',
  }),
  field('clientConnection.qps', 'number', 5, 'requests a second to the API server', { zeroIsUnset: true, flag: 'kube-api-qps' }),
  field('clientConnection.burst', 'integer', 10, 'requests to the API server above qps for a moment', {
    zeroIsUnset: true,
    flag: 'kube-api-burst',
    check: notNegative,
  }),
  field('logging.format', 'string', 'text', 'text or json', {
    zeroIsUnset: true,
    flag: { name: 'logging-format', beatsFile: true },
    check: oneOf('text', 'json'),
  }),
  field('logging.flushFrequency', 'flush-duration', 5 * second, 'longest time between two flushes of the log', {
    zeroIsUnset: true,
    flag: { name: 'log-flush-frequency', beatsFile: true },
  }),
  field('logging.verbosity', 'integer', 0, 'log level: 4 adds decisions, 6 adds every step', {
    live: true,
    flag: { name: 'v', beatsFile: true },
    check: notNegative,
  }),
  field('logging.vmodule', 'level-list', [], 'levels for single files, as pattern=level', {
    flag: { name: 'vmodule', beatsFile: true },
  }),
  field('hostnameOverride', 'string', '', 'name of the Node this agent serves, instead of the host name', {
    flag: { name: 'hostname-override', beatsFile: true },
  }),
  field('bindAddress', 'string', '0.0.0.0', 'node address of its family and the primary family; nothing is bound to it', {
    zeroIsUnset: true,
    flag: 'bind-address',
    check: isAddress,
  }),
  field(
    'healthzBindAddress',
    'string',
    ({ bindsIpv6 }) => (bindsIpv6 ? '[::]:10256' : '0.0.0.0:10256'),
    'where /healthz is served',
    {
      zeroIsUnset: true,
      flag: 'healthz-bind-address',
    },
  ),
  field(
    'metricsBindAddress',
    'string',
    ({ bindsIpv6 }) => (bindsIpv6 ? '[::1]:10249' : '127.0.0.1:10249'),
    'where /metrics is served',
    {
      zeroIsUnset: true,
      flag: 'metrics-bind-address',
      check: isListenAddress,
    },
  ),
  field('bindAddressHardFail', 'boolean', false, 'exit when the health or metrics address is taken, instead of trying again', {
    flag: 'bind-address-hard-fail',
  }),
  field('enableProfiling', 'boolean', false, 'serve /debug pages beside /metrics', { flag: 'profiling' }),
  field('showHiddenMetricsForVersion', 'string', '', 'previous minor version; accepted, as no metric is hidden', {
    flag: 'show-hidden-metrics-for-version',
    check: isPreviousMinor,
  }),
  field('iptables.masqueradeBit', 'integer', 14, 'bit of the packet mark that asks for masquerade (iptables, ipvs)', {
    flag: 'iptables-masquerade-bit',
    check: bit,
  }),
  field('iptables.masqueradeAll', 'boolean', false, 'rewrite the source of everything sent to a ClusterIP (active mode)', {
    flag: { name: 'masquerade-all', modes: inLegacy },
  }),
  field(
    'iptables.localhostNodePorts',
    'boolean',
    ({ mode }) => mode !== 'ipvs',
    'accept node ports on 127.0.0.0/8 (ipvs: only if asked for)',
    { flag: 'iptables-localhost-nodeports' },
  ),
  field('iptables.syncPeriod', 'duration', 30 * second, 'longest time between two looks at the kernel (not ipvs)', {
    live: true,
    zeroIsUnset: true,
    flag: { name: 'iptables-sync-period', modes: inIptables },
  }),
  field('iptables.minSyncPeriod', 'duration', second, 'shortest time between two changes of the kernel (not ipvs)', {
    live: true,
    zeroIsUnset: true,
    flag: { name: 'iptables-min-sync-period', modes: inIptables },
  }),
  field('ipvs.syncPeriod', 'duration', 30 * second, 'longest time between two looks at the kernel', {
    live: true,
    zeroIsUnset: true,
    flag: { name: 'ipvs-sync-period', modes: inIpvs },
  }),
  // Without a file the reference inherits its flag's 1 s here; a file that is silent gives 0.
  field(
    'ipvs.minSyncPeriod',
    'duration',
    ({ fromFile }) => (fromFile ? 0 : second),
    'shortest time between two changes of the kernel',
    {
      live: true,
      flag: { name: 'ipvs-min-sync-period', modes: inIpvs },
    },
  ),
  field('ipvs.scheduler', 'string', '', 'IPVS scheduler; empty means rr', {
    flag: 'ipvs-scheduler',
    check: oneOf(...schedulerNames),
    checkedIn: inIpvs,
  }),
  field('ipvs.excludeCIDRs', 'string-list', null, 'virtual servers in these CIDRs are left alone', {
    flag: 'ipvs-exclude-cidrs',
    check: areCidrs,
    checkedIn: inIpvs,
  }),
  field('ipvs.strictARP', 'boolean', false, 'set arp_ignore=1 and arp_announce=2', { flag: 'ipvs-strict-arp' }),
  field('ipvs.tcpTimeout', 'duration', 0, 'IPVS timeout of idle TCP connections; 0 means 7500s', {
    flag: 'ipvs-tcp-timeout',
    check: notNegative,
    checkedIn: inIpvs,
  }),
  field('ipvs.tcpFinTimeout', 'duration', 0, 'IPVS timeout after a FIN; 0 keeps the kernel value', {
    flag: 'ipvs-tcpfin-timeout',
    check: notNegative,
    checkedIn: inIpvs,
  }),
  field('ipvs.udpTimeout', 'duration', 0, 'IPVS timeout of UDP; 0 means 60s', {
    flag: 'ipvs-udp-timeout',
    check: notNegative,
    checkedIn: inIpvs,
  }),
  field('nftables.masqueradeBit', 'integer', 14, 'bit of the packet mark that asks for masquerade', {
    check: bit,
    checkedIn: inNftables,
  }),
  field('nftables.masqueradeAll', 'boolean', false, 'rewrite the source of everything sent to a ClusterIP', {
    flag: { name: 'masquerade-all', modes: inNftables },
  }),
  field('nftables.syncPeriod', 'duration', 30 * second, 'longest time between two looks at the kernel', {
    live: true,
    zeroIsUnset: true,
    flag: { name: 'iptables-sync-period', modes: inNftables },
  }),
  field('nftables.minSyncPeriod', 'duration', second, 'shortest time between two changes of the kernel', {
    live: true,
    zeroIsUnset: true,
    flag: { name: 'iptables-min-sync-period', modes: inNftables },
  }),
  field('detectLocalMode', 'string', 'ClusterCIDR', 'how pod traffic is told apart', {
    zeroIsUnset: true,
    flag: 'detect-local-mode',
    check: oneOf('ClusterCIDR', 'NodeCIDR', 'BridgeInterface', 'InterfaceNamePrefix'),
  }),
  field('detectLocal.bridgeInterface', 'string', '', 'pod traffic arrives on this interface (BridgeInterface)', {
    flag: 'pod-bridge-interface',
  }),
  field('detectLocal.interfaceNamePrefix', 'string', '', 'pod traffic arrives on interfaces named so (InterfaceNamePrefix)', {
    flag: 'pod-interface-name-prefix',
  }),
  field('clusterCIDR', 'string', '', 'addresses of pods: one CIDR, or one of each family with a comma between', {
    flag: 'cluster-cidr',
  }),
  field('nodePortAddresses', 'string-list', defaultNodePorts, 'node addresses that accept node ports: CIDRs, or primary', {
    flag: 'nodeport-addresses',
    check: areNodePortAddresses,
  }),
  field('oomScoreAdj', 'integer', -999, 'how late the kernel ends this process when memory is short', {
    flag: 'oom-score-adj',
    check: between(-1000, 1000),
  }),
  field('conntrack.maxPerCore', 'integer', 32768, 'tracked connections for each CPU; 0 leaves the limit alone', {
    flag: 'conntrack-max-per-core',
    check: notNegative,
  }),
  field('conntrack.min', 'integer', 131072, 'least number of tracked connections', { flag: 'conntrack-min', check: notNegative }),
  field(
    'conntrack.tcpEstablishedTimeout',
    'duration',
    24 * hour,
    'conntrack timeout of idle TCP connections; 0 leaves it alone',
    {
      flag: 'conntrack-tcp-timeout-established',
      check: notNegative,
    },
  ),
  field('conntrack.tcpCloseWaitTimeout', 'duration', hour, 'conntrack timeout in CLOSE_WAIT; 0 leaves it alone', {
    flag: 'conntrack-tcp-timeout-close-wait',
    check: notNegative,
  }),
  field('conntrack.tcpBeLiberal', 'boolean', false, 'do not call TCP packets outside the window invalid', {
    flag: 'conntrack-tcp-be-liberal',
  }),
  field('conntrack.udpTimeout', 'duration', 0, 'conntrack timeout of unanswered UDP; 0 leaves it alone', {
    flag: 'conntrack-udp-timeout',
    check: notNegative,
  }),
  field('conntrack.udpStreamTimeout', 'duration', 0, 'conntrack timeout of answered UDP; 0 leaves it alone', {
    flag: 'conntrack-udp-timeout-stream',
    check: notNegative,
  }),
  field('configSyncPeriod', 'duration', 15 * minute, 'local re-delivery period; nothing is done for it', {
    zeroIsUnset: true,
    flag: 'config-sync-period',
    check: positive,
  }),
  ...ownFields,
] as const;

type Row = (typeof fields)[number];

/** The path of a field of {@link fields}. */
export type FieldPath = Row['path'];

/** A value for every field, keyed by path. */
export type Settings = { readonly [R in Row as R['path']]: ValueKinds[R['kind']] };

/** The table without the precise type of each row, for code that treats all rows alike. */
export const rows: readonly Field<FieldPath, ValueKind>[] = fields as unknown as readonly Field<FieldPath, ValueKind>[];

/** Parts of the document that mean nothing on Linux, or nothing to this product. Accepted without a word. */
export const ignoredPaths: readonly string[] = ['winkernel', 'windowsRunAsService', 'portRange', 'logging.options'];

function defaultNodePorts({ mode }: DefaultFacts): readonly string[] | null {
  return mode === 'nftables' ? ['primary'] : null;
}

import type { CodeTexts } from './code-text.ts';
import { nothing } from './code-text.ts';

const advised = 'do what stands beside the finding';

/** Findings of `waypost check`; with an advice of their own, so this table says what each is about. */
export const checkCodes: CodeTexts = {
  WP_CLI_CHECK_BRIDGE: [
    'finding',
    'pods hang on one bridge, and whether its packets pass the rules decides whether they reach each other through Services',
    'load `br_netfilter` and set its parameter where the finding is an error',
  ],
  WP_CLI_CHECK_CAPABILITY: ['error', 'a capability without which no rule can be written is missing', advised],
  WP_CLI_CHECK_CONNTRACK: [
    'finding',
    'whether `net.ipv4.vs.conntrack` is or can be 1, which the rewriting of source addresses in ipvs mode needs',
    advised,
  ],
  WP_CLI_CHECK_DNS_CONFIG: [
    'finding',
    'whether the configuration of the resolver and its upstreams can be used',
    'correct what the message names',
  ],
  WP_CLI_CHECK_DNS_INTERCEPT: ['finding', 'whether questions to the cluster’s DNS can be taken to this node', advised],
  WP_CLI_CHECK_DNS_PORT: ['finding', 'whether the addresses and ports of the resolver are free', 'end what listens there'],
  WP_CLI_CHECK_DSR: [
    'finding',
    'whether direct return can work here: mode, modules, interfaces, MTU and checks of source addresses',
    advised,
  ],
  WP_CLI_CHECK_FORWARD: ['caution', 'the kernel passes no packets on: `net.ipv4.ip_forward` is 0', 'set `net.ipv4.ip_forward=1`'],
  WP_CLI_CHECK_HASH: [
    'caution',
    'the chosen IPVS scheduler sends the same client elsewhere on other nodes, or all clients of an address to one endpoint',
    'choose mh',
  ],
  WP_CLI_CHECK_IDLE: [
    'caution',
    'IPVS forgets an idle TCP connection before its keepalive speaks, which resets it',
    'raise `ipvs.tcpTimeout`, or lower `net.ipv4.tcp_keepalive_time`',
  ],
  WP_CLI_CHECK_IPVS: ['finding', 'whether the kernel has IPVS, loaded or to be loaded', advised],
  WP_CLI_CHECK_LIMIT: ['note', 'a limit of IPVS itself', nothing],
  WP_CLI_CHECK_MARK: [
    'finding',
    'whether other rules or routing rules use the bits of the packet mark, or the routing table, of the agent',
    'give the agent other bits or another table, or the other program',
  ],
  WP_CLI_CHECK_MIGRATE_CONFIG: [
    'caution',
    'settings of kube-proxy cannot be read, or have no effect here',
    'give its file with `--config`, or leave the setting out',
  ],
  WP_CLI_CHECK_MIGRATE_MARK: [
    'finding',
    'whether the mark for masquerading stays the one that kube-proxy uses',
    'set `masqueradeBit` of the mode where other programs know the mark',
  ],
  WP_CLI_CHECK_MIGRATE_PORT: ['finding', 'kube-proxy and the agent want the same port', 'stop kube-proxy first'],
  WP_CLI_CHECK_MIGRATE_PROXY: ['finding', 'the kube-proxy that runs or ran on this node', advised],
  WP_CLI_CHECK_MIGRATE_SERVERS: [
    'finding',
    'virtual servers that are in the kernel and that the agent will not remove',
    'remove what is nobody’s after the first sync',
  ],
  WP_CLI_CHECK_MIGRATE_SETTING: [
    'finding',
    'a setting that cannot be used, that would be another one than kube-proxy’s, or that Services will notice',
    'set the field that the finding names where the old behaviour is wanted',
  ],
  WP_CLI_CHECK_MIGRATE_SYSCTL: [
    'finding',
    'a kernel parameter that kube-proxy set and nobody sets back, or that the agent changes',
    'see that it can be set where the finding is a warning',
  ],
  WP_CLI_CHECK_MIGRATE_TAKEOVER: ['note', 'what of kube-proxy’s rules the first sync takes over or removes', nothing],
  WP_CLI_CHECK_NFTABLES: ['finding', 'whether the kernel answers for nf_tables, and is new enough', advised],
  WP_CLI_CHECK_POLICY: [
    'caution',
    'a firewall drops by default before IPVS sees packets to Services',
    'accept the ranges of Services in that chain',
  ],
  WP_CLI_CHECK_PREDECESSOR: [
    'finding',
    'whether a kube-proxy runs on this node or left something behind',
    'keep kube-proxy off the node before the start',
  ],
  WP_CLI_CHECK_PROGRAM: ['finding', 'whether a program that the chosen driver runs is installed', 'install it'],
  WP_CLI_CHECK_RANGE: [
    'finding',
    'whether `serviceCIDRs` is set, and free of addresses of the node and of pods',
    'correct `serviceCIDRs` or `clusterCIDR`',
  ],
  WP_CLI_CHECK_REUSE: [
    'caution',
    'with a kernel before 5.9 a client that uses its port again may be sent to an endpoint that has gone',
    'update the kernel',
  ],
  WP_CLI_CHECK_SCHEDULER: ['finding', 'whether the kernel has the scheduler `ipvs.scheduler`', advised],
  WP_CLI_CHECK_SERVERS: [
    'finding',
    'virtual servers of other programs, which are left alone and may stand where Services want to be',
    'remove those that are nobody’s, or name them in `ipvs.excludeCIDRs`',
  ],
};

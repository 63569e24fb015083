import { checkCodes } from './check.ts';
import { cliCodes } from './cli.ts';
import type { CodeTexts } from './code-text.ts';
import { configCodes } from './config.ts';
import { dnsCodes } from './dns.ts';
import { ingressCodes } from './ingress.ts';
import { iptablesCodes } from './iptables.ts';
import { ipvsCodes } from './ipvs.ts';
import { kubeCodes } from './kube.ts';
import { netlinkCodes } from './netlink.ts';
import { nftablesCodes } from './nftables.ts';
import { observeCodes } from './observe.ts';
import { proxyCodes } from './proxy.ts';
import { traceCodes } from './trace.ts';

export interface Room {
  readonly title: string;
  readonly prefix: `WP_${string}_`;
  readonly codes: CodeTexts;
}

/** All rooms in the order of the page. A code belongs to the room whose prefix fits it best, whoever reports it. */
export const rooms: readonly Room[] = [
  { title: 'Start and commands', prefix: 'WP_CLI_', codes: cliCodes },
  { title: 'Findings of check', prefix: 'WP_CLI_CHECK_', codes: checkCodes },
  { title: 'Configuration', prefix: 'WP_CONFIG_', codes: configCodes },
  { title: 'API server, manifests, objects', prefix: 'WP_KUBE_', codes: kubeCodes },
  { title: 'Syncing', prefix: 'WP_PROXY_', codes: proxyCodes },
  { title: 'iptables mode', prefix: 'WP_IPTABLES_', codes: iptablesCodes },
  { title: 'ipvs mode', prefix: 'WP_IPVS_', codes: ipvsCodes },
  { title: 'nftables', prefix: 'WP_NFT_', codes: nftablesCodes },
  { title: 'The kernel', prefix: 'WP_NETLINK_', codes: netlinkCodes },
  { title: 'Ingress', prefix: 'WP_INGRESS_', codes: ingressCodes },
  { title: 'Resolver', prefix: 'WP_DNS_', codes: dnsCodes },
  { title: 'Pages', prefix: 'WP_OBSERVE_', codes: observeCodes },
  { title: 'Trace', prefix: 'WP_TRACE_', codes: traceCodes },
];

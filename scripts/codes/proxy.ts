import type { CodeTexts } from './code-text.ts';
import { bug } from './code-text.ts';

/** Codes of syncing. */
export const proxyCodes: CodeTexts = {
  WP_PROXY_AFTER_SYNC_BUG: ['warning', 'what follows a sync met a bug; the kernel is as it should be', bug],
  WP_PROXY_CONNTRACK_BUG: ['warning', 'cleaning the connection tracking table met a bug; stale entries may stay', bug],
  WP_PROXY_IDLE_WEIGHTS: [
    'warning',
    'an annotation gives all endpoints of a Service the weight 0, so each counts as 1',
    'give at least one endpoint another weight',
  ],
  WP_PROXY_NODE_PORTS_OPEN: [
    'warning',
    '`nodePortAddresses` is primary, and the Node has no address of a family, so every local one accepts node ports',
    'see to the addresses of the Node, or name ranges in `nodePortAddresses`',
  ],
  WP_PROXY_NOT_SYNCED: [
    'command',
    '`waypost diff` was asked before the first sync of a family, so there is nothing to compare with',
    'wait, or see in `waypost status` what the sync waits for',
  ],
  WP_PROXY_NO_NODE_ADDRESS: [
    'warning',
    'the Node of this agent is not there or has no address; the agent goes on without',
    'see that the name of the Node is right (`--hostname-override`)',
  ],
  WP_PROXY_NO_POD_CIDR: [
    'end',
    'the Node has no `spec.podCIDRs` of the primary family, which `detectLocalMode: NodeCIDR` needs',
    'have the cluster give ranges to Nodes, or choose another `detectLocalMode`',
  ],
  WP_PROXY_POD_CIDR_CHANGED: [
    'end',
    '`spec.podCIDRs` of the Node changed, so the agent ends for its restart',
    'nothing: it is started again',
  ],
  WP_PROXY_SYNC_BUG: ['warning', 'a sync met a bug; it is tried again', bug],
};

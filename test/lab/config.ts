import { ranges } from './addressing.ts';

/** The configuration every lab starts from: both pod ranges, and no setting a namespace of its own cannot have. */
export function labConfig(fields: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: process.env['WAYPOST_TEST_MODE'] ?? 'iptables',
    clusterCIDR: `${ranges.pods.IPv4},${ranges.pods.IPv6}`,
    // nf_conntrack_max belongs to the machine's own namespace (specification 6.3); so does the OOM killer.
    conntrack: { maxPerCore: 0 },
    oomScoreAdj: 0,
    ...fields,
  };
}

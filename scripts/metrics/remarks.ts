/** What the help of a metric does not say: the values of its labels, and what it counts and what not. */
export const remarks: ReadonlyMap<string, string> = new Map([
  ['kubeproxy_sync_proxy_rules_no_local_endpoints_total', '`traffic_policy`: internal, external'],
  [
    'kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total',
    'never has a series: stale objects go in the same transaction as everything else',
  ],
  ['kubernetes_healthcheck', '`type`: healthz, livez'],
  ['kubernetes_healthchecks_total', '`status`: success, error; `type`: healthz, livez'],
  ['waypost_ipvs_virtual_servers', '`owner`: own, foreign'],
  ['waypost_ipvs_connections', '`state`: active, inactive, persistent'],
  ['waypost_ipvs_new_connections_total', 'since the agent looked first; not with `ipvs.driver: exec`'],
  [
    'waypost_ipvs_packets_total',
    '`direction`: in (from clients), out; since the agent looked first; not with `ipvs.driver: exec`',
  ],
  ['waypost_ipvs_bytes_total', '`direction`: in (from clients), out; since the agent looked first; not with `ipvs.driver: exec`'],
  ['waypost_ipvs_errors_total', '`code`: one of [the codes of ipvs mode](codes.md#ipvs-mode)'],
  ['waypost_ingress_published_ports', '`verdict`: forward, refuse, drop'],
  ['waypost_ingress_notices_total', '`reason`: the reasons of the Events'],
  ['waypost_ingress_health_backends', '`verdict`: live, dead, unknown'],
  ['waypost_ingress_pool_addresses', '`state`: used, free'],
  ['coredns_dns_responses_total', '`plugin`: the stage that gave the reply'],
  ['coredns_cache_entries', '`type`: success, denial'],
  ['coredns_cache_hits_total', '`type`: success, denial'],
  ['coredns_kubernetes_rest_client_requests_total', 'requests serve the proxy too'],
]);

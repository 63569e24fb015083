/** A graph: what it shows, by an expression and the legend of its lines. */
export interface Panel {
  readonly title: string;
  /** Grafana's name of a unit. */
  readonly unit: 's' | 'short' | 'reqps' | 'percentunit' | 'bytes' | 'ops' | 'cps' | 'pps' | 'Bps';
  readonly lines: readonly (readonly [expression: string, legend: string])[];
}

export interface Board {
  readonly uid: string;
  readonly title: string;
  readonly rows: readonly { readonly title: string; readonly panels: readonly Panel[] }[];
}

const chosen = '{instance=~"$instance"}';
const window = '[$__rate_interval]';

function rate(metric: string, by: string): string {
  return `sum by (${by}) (rate(${metric}${chosen}${window}))`;
}

function sum(metric: string, by: string): string {
  return `sum by (${by}) (${metric}${chosen})`;
}

/** The value below which so much of the observations are. */
function quantile(share: number, metric: string, by: string): string {
  const group = by === '' ? 'le' : `le, ${by}`;
  return `histogram_quantile(${share}, sum by (${group}) (rate(${metric}_bucket${chosen}${window})))`;
}

function latency(title: string, metric: string, by: string, legend: string): Panel {
  const lines = [0.5, 0.99].map((share) => [quantile(share, metric, by), `p${share * 100} ${legend}`.trim()] as const);
  return { title, unit: 's', lines };
}

const family = '{{ip_family}}';

export const proxyBoard: Board = {
  uid: 'waypost-proxy',
  title: 'Waypost: proxy and ingress',
  rows: [
    {
      title: 'Are Services in the kernel?',
      panels: [
        { title: 'Frontends by state', unit: 'short', lines: [[sum('waypost_frontends', 'state'), '{{state}}']] },
        {
          title: 'Services that wait for a sync',
          unit: 'short',
          lines: [[sum('waypost_dirty_services', 'instance'), '{{instance}}']],
        },
        {
          title: 'Syncs that the kernel refused',
          unit: 'ops',
          lines: [
            [rate('kubeproxy_sync_proxy_rules_iptables_restore_failures_total', 'instance'), '{{instance}} iptables, ipvs'],
            [rate('kubeproxy_sync_proxy_rules_nftables_sync_failures_total', 'instance'), '{{instance}} nftables'],
          ],
        },
        {
          title: 'Service ports of Local policy without an endpoint on the node',
          unit: 'short',
          lines: [[sum('kubeproxy_sync_proxy_rules_no_local_endpoints_total', 'traffic_policy'), '{{traffic_policy}}']],
        },
      ],
    },
    {
      title: 'How fast?',
      panels: [
        latency('From the change of a pod to the kernel', 'kubeproxy_network_programming_duration_seconds', 'ip_family', family),
        latency('Duration of a sync', 'kubeproxy_sync_proxy_rules_duration_seconds', 'ip_family', family),
        {
          title: 'Changes of EndpointSlices',
          unit: 'ops',
          lines: [[rate('kubeproxy_sync_proxy_rules_endpoint_changes_total', 'instance'), '{{instance}}']],
        },
        {
          title: 'Event loop busy',
          unit: 'percentunit',
          lines: [[rate('waypost_event_loop_busy_seconds_total', 'instance'), '{{instance}}']],
        },
      ],
    },
    {
      title: 'IPVS mode',
      panels: [
        { title: 'Virtual servers', unit: 'short', lines: [[sum('waypost_ipvs_virtual_servers', 'owner'), '{{owner}}']] },
        { title: 'Connections', unit: 'short', lines: [[sum('waypost_ipvs_connections', 'state'), '{{state}}']] },
        {
          title: 'New connections',
          unit: 'cps',
          lines: [[rate('waypost_ipvs_new_connections_total', 'instance'), '{{instance}}']],
        },
        { title: 'Packets', unit: 'pps', lines: [[rate('waypost_ipvs_packets_total', 'direction'), '{{direction}}']] },
        { title: 'Octets', unit: 'Bps', lines: [[rate('waypost_ipvs_bytes_total', 'direction'), '{{direction}}']] },
        {
          title: 'Destinations that drain',
          unit: 'short',
          lines: [[sum('waypost_ipvs_draining_destinations', 'instance'), '{{instance}}']],
        },
        {
          title: 'Operations that the kernel refused',
          unit: 'ops',
          lines: [[rate('waypost_ipvs_errors_total', 'code'), '{{code}}']],
        },
      ],
    },
    {
      title: 'Ingress',
      panels: [
        { title: 'Published ports', unit: 'short', lines: [[sum('waypost_ingress_published_ports', 'verdict'), '{{verdict}}']] },
        {
          title: 'Back ends that are checked',
          unit: 'short',
          lines: [[sum('waypost_ingress_health_backends', 'verdict'), '{{verdict}}']],
        },
        {
          title: 'Addresses of pools',
          unit: 'short',
          lines: [[`max by (pool, state) (waypost_ingress_pool_addresses${chosen})`, '{{pool}} {{state}}']],
        },
        {
          title: 'Notices to owners of Services',
          unit: 'ops',
          lines: [[rate('waypost_ingress_notices_total', 'reason'), '{{reason}}']],
        },
      ],
    },
    {
      title: 'The process, and the API server',
      panels: [
        { title: 'CPU', unit: 'percentunit', lines: [[rate('process_cpu_seconds_total', 'instance'), '{{instance}}']] },
        { title: 'Resident memory', unit: 'bytes', lines: [[sum('process_resident_memory_bytes', 'instance'), '{{instance}}']] },
        {
          title: 'Requests by status',
          unit: 'reqps',
          lines: [[rate('rest_client_requests_total', 'code, method'), '{{method}} {{code}}']],
        },
      ],
    },
  ],
};

export const dnsBoard: Board = {
  uid: 'waypost-dns',
  title: 'Waypost: cluster DNS',
  rows: [
    {
      title: 'Questions and answers',
      panels: [
        { title: 'Questions by type', unit: 'reqps', lines: [[rate('coredns_dns_requests_total', 'type'), '{{type}}']] },
        { title: 'Answers by code', unit: 'reqps', lines: [[rate('coredns_dns_responses_total', 'rcode'), '{{rcode}}']] },
        latency('Time to an answer', 'coredns_dns_request_duration_seconds', '', ''),
        {
          title: 'Messages without a reply',
          unit: 'reqps',
          lines: [[rate('waypost_dns_dropped_total', 'instance'), '{{instance}}']],
        },
      ],
    },
    {
      title: 'Cache and upstreams',
      panels: [
        {
          title: 'Share of answers from the cache',
          unit: 'percentunit',
          lines: [
            [
              `${rate('coredns_cache_hits_total', 'instance')} / ${rate('coredns_cache_requests_total', 'instance')}`,
              '{{instance}}',
            ],
          ],
        },
        { title: 'Cached answers', unit: 'short', lines: [[sum('coredns_cache_entries', 'type'), '{{type}}']] },
        latency('Time until an upstream answered', 'coredns_proxy_request_duration_seconds', 'to', '{{to}}'),
        {
          title: 'Probes of upstreams without an answer',
          unit: 'ops',
          lines: [[rate('coredns_proxy_healthcheck_failures_total', 'to'), '{{to}}']],
        },
      ],
    },
    {
      title: 'Names of the cluster, and the threads',
      panels: [
        latency(
          'From the change of endpoints to the answer',
          'coredns_kubernetes_dns_programming_duration_seconds',
          'service_kind',
          '{{service_kind}}',
        ),
        { title: 'Heap of the threads', unit: 'bytes', lines: [[sum('waypost_dns_heap_bytes', 'instance'), '{{instance}}']] },
        {
          title: 'Health checks that a thread missed',
          unit: 'ops',
          lines: [[rate('coredns_health_request_failures_total', 'instance'), '{{instance}}']],
        },
      ],
    },
  ],
};

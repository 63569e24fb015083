/** A rule of Prometheus that tells somebody. */
export interface Alert {
  readonly name: string;
  readonly expression: string;
  /** How long it has to hold: `5m`. */
  readonly holds: string;
  readonly severity: 'critical' | 'warning';
  readonly summary: string;
  /** What to do first. */
  readonly advice: string;
}

const lastSuccess = 'kubeproxy_sync_proxy_rules_last_timestamp_seconds';
const failed = (metric: string): string => `sum by (instance) (increase(${metric}[10m])) > 0`;

export const alerts: readonly Alert[] = [
  {
    name: 'WaypostFrontendError',
    expression: 'sum by (instance) (waypost_frontends{state="Error"}) > 0',
    holds: '5m',
    severity: 'critical',
    summary: 'The kernel of {{ $labels.instance }} refuses {{ $value }} frontends',
    advice: 'waypost services --errors on the node names them, with the reason.',
  },
  {
    name: 'WaypostSyncBehind',
    expression: `kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds - ${lastSuccess} > 60`,
    holds: '2m',
    severity: 'critical',
    summary: 'A change on {{ $labels.instance }} has waited for the kernel for more than a minute',
    advice: 'The log of the agent says what the last syncs failed with; until then Services are as they were.',
  },
  {
    name: 'WaypostSyncFails',
    expression: `${failed('kubeproxy_sync_proxy_rules_iptables_restore_failures_total')} or ${failed('kubeproxy_sync_proxy_rules_nftables_sync_failures_total')}`,
    holds: '10m',
    severity: 'warning',
    summary: 'Syncs on {{ $labels.instance }} are refused again and again',
    advice: 'waypost check on the node looks for what stands in the way.',
  },
  {
    name: 'WaypostProgrammingSlow',
    expression:
      'histogram_quantile(0.99, sum by (le, instance) (rate(kubeproxy_network_programming_duration_seconds_bucket[10m]))) > 5',
    holds: '15m',
    severity: 'warning',
    summary: 'On {{ $labels.instance }} one change of endpoints in a hundred takes more than 5 s',
    advice: 'Compare the duration of syncs and the busy share of the event loop on the dashboard.',
  },
  {
    name: 'WaypostServersRefused',
    expression: failed('waypost_ipvs_errors_total'),
    holds: '10m',
    severity: 'warning',
    summary: 'The kernel of {{ $labels.instance }} refuses operations on virtual servers',
    advice: 'The label code of waypost_ipvs_errors_total says which; docs/ipvs.md tells what each means.',
  },
  {
    name: 'WaypostMarksShort',
    expression: 'waypost_ingress_marks_used / waypost_ingress_marks_capacity > 0.9',
    holds: '15m',
    severity: 'warning',
    summary: 'More than nine tenths of the packet marks of {{ $labels.instance }} are in use',
    advice: 'Widen ingress.fwmark.mask on all nodes.',
  },
  {
    name: 'WaypostPoolShort',
    expression:
      'min by (pool, family) (waypost_ingress_pool_addresses{state="free"}) == 0 and on (pool, family) max by (pool, family) (waypost_ingress_pool_addresses{state="used"}) > 0',
    holds: '5m',
    severity: 'warning',
    summary: 'The pool {{ $labels.pool }} has no {{ $labels.family }} address left',
    advice: 'Add addresses to ingress.pool, or delete Services that need none.',
  },
  {
    name: 'WaypostPoolLeaderless',
    expression: 'sum(waypost_ingress_pool_leader) == 0',
    holds: '2m',
    severity: 'critical',
    summary: 'No agent gives addresses to Services',
    advice: 'Look at the Lease waypost-ingress, and whether the role lets agents write it.',
  },
  {
    name: 'WaypostBackendsDead',
    expression: 'sum by (instance) (waypost_ingress_health_backends{verdict="dead"}) > 0',
    holds: '10m',
    severity: 'warning',
    summary: '{{ $value }} checked back ends do not answer {{ $labels.instance }}',
    advice: 'waypost ingress on the node names them.',
  },
  {
    name: 'WaypostDnsServfail',
    expression:
      'sum by (instance) (rate(coredns_dns_responses_total{rcode="SERVFAIL"}[5m])) / sum by (instance) (rate(coredns_dns_responses_total[5m])) > 0.01',
    holds: '10m',
    severity: 'critical',
    summary: 'More than one answer in a hundred on {{ $labels.instance }} is SERVFAIL',
    advice: 'Look at the upstreams on the dashboard; waypost dns lookup explains a single name.',
  },
  {
    name: 'WaypostDnsSlow',
    expression: 'histogram_quantile(0.99, sum by (le, instance) (rate(coredns_dns_request_duration_seconds_bucket[5m]))) > 1',
    holds: '10m',
    severity: 'warning',
    summary: 'One answer in a hundred on {{ $labels.instance }} takes more than a second',
    advice: 'Nearly always an upstream: compare its time on the dashboard.',
  },
  {
    name: 'WaypostDnsUpstreamsDown',
    expression: failed('coredns_forward_healthcheck_broken_total'),
    holds: '5m',
    severity: 'critical',
    summary: 'No upstream server answers {{ $labels.instance }}',
    advice: 'Names of the cluster are served all the same; see the forward lines of the configuration.',
  },
  {
    name: 'WaypostDnsPanics',
    expression: failed('coredns_panics_total'),
    holds: '0m',
    severity: 'warning',
    summary: 'A question met a bug of the resolver on {{ $labels.instance }}',
    advice: 'The log has its stack; please report it.',
  },
  {
    name: 'WaypostDnsConfigRefused',
    expression: failed('coredns_reload_failed_total'),
    holds: '0m',
    severity: 'warning',
    summary: 'A changed configuration of DNS cannot be used on {{ $labels.instance }}; the former one stays in force',
    advice: 'waypost dns convert on the file says file, line and directive.',
  },
];

import { addDnsMetrics } from '../../src/cli/dns-metrics.ts';
import { DnsHealthMetrics } from '../../src/cli/dns-pages.ts';
import { addIngressMetrics } from '../../src/cli/ingress-metrics.ts';
import type { IngressMetricsOptions } from '../../src/cli/ingress-metrics.ts';
import {
  Registry,
  addBuildMetrics,
  addFrontendMetrics,
  addHealthMetrics,
  addProcessMetrics,
  addRequestMetrics,
  addServerMetrics,
  addTurnMetrics,
  createSliMetrics,
  createSyncMetrics,
  systemClock,
} from '../../src/observe/mod.ts';
import type { MetricDescription } from '../../src/observe/mod.ts';

export type KnownMetrics = ReadonlyMap<string, MetricDescription>;

export interface ListedMetric extends MetricDescription {
  /** The setting without which its group goes without it, or the modes that have it; null: wherever the group is. */
  readonly only: string | null;
}

/** Metrics that come and go together. */
export interface MetricGroup {
  readonly title: string;
  /** Where and when they are served, in whole sentences. */
  readonly about: string;
  readonly metrics: readonly ListedMetric[];
}

const place = 'on `metricsBindAddress` at `/metrics`';
const modes = ['iptables', 'ipvs', 'nftables'] as const;

/** Every metric that an agent has in some mode or with something switched on, as its own registry describes it. */
export function listKnownMetrics(): KnownMetrics {
  return new Map(listMetricGroups().flatMap(({ metrics }) => metrics.map((metric) => [metric.name, metric])));
}

/** The same as the agent puts them together. Nothing is counted, so nothing is asked. */
export function listMetricGroups(): readonly MetricGroup[] {
  return [
    { title: 'Syncs', about: `In every mode, ${place}.`, metrics: listSyncs() },
    { title: 'The agent', about: `In every mode, ${place}.`, metrics: listAgent() },
    {
      title: 'Health checks of the agent',
      about: 'In every mode, on `metricsBindAddress` at `/metrics/slis`; a check has series after its first answer.',
      metrics: listAll(createSliMetrics().registry),
    },
    { title: 'Virtual servers', about: `In ipvs mode, ${place}.`, metrics: listServers() },
    { title: 'Ingress', about: `In every mode with \`ingress.enabled\`, ${place}.`, metrics: listIngress() },
    {
      title: 'The resolver',
      about:
        'With `dns.enabled`, on the `metrics` address of the DNS configuration at `/metrics`, port 9153 in the stock settings. Counters of ' +
        'threads are added up.',
      metrics: listAll(makeDnsRegistry()),
    },
  ];
}

function listAll(registry: Registry): readonly ListedMetric[] {
  return registry.list().map((metric) => ({ ...metric, only: null }));
}

function listSyncs(): readonly ListedMetric[] {
  const inModes = modes.map((mode) => {
    const registry = new Registry();
    createSyncMetrics(registry, mode);
    return { mode, metrics: new Map(registry.list().map((metric) => [metric.name, metric])) };
  });
  const all = new Map(inModes.flatMap(({ metrics }) => [...metrics]));
  return [...all.values()].map((metric) => {
    const having = inModes.filter(({ metrics }) => metrics.has(metric.name)).map(({ mode }) => mode);
    return { ...metric, only: having.length === modes.length ? null : `${having.join(', ')} mode` };
  });
}

/** What is missing in a registry that was made without a setting is there only with that setting. */
function listWith(full: Registry, without: readonly (readonly [setting: string, Registry])[]): readonly ListedMetric[] {
  return full.list().map((metric) => ({
    ...metric,
    only: without.find(([, registry]) => registry.list().every(({ name }) => name !== metric.name))?.[0] ?? null,
  }));
}

function listAgent(): readonly ListedMetric[] {
  const make = (): Registry => {
    const registry = new Registry();
    addBuildMetrics(registry, '0.0.0', {});
    addProcessMetrics(registry, 0);
    addFrontendMetrics(registry, () => []);
    addRequestMetrics(registry);
    return registry;
  };
  const served = make();
  addHealthMetrics(served);
  return listWith(served, [['`healthzBindAddress`', make()]]);
}

function listServers(): readonly ListedMetric[] {
  const make = (detail: 'off' | 'endpoint'): Registry => {
    const registry = new Registry();
    addServerMetrics(registry, { statistics: () => [], connections: async () => [], detail, clock: systemClock });
    return registry;
  };
  return listWith(make('endpoint'), [['`connectionMetrics` other than off', make('off')]]);
}

function listIngress(): readonly ListedMetric[] {
  const counts = { watched: 0, running: 0, checks: 0, failures: 0, unasked: 0, late: 0, taken: 0, returned: 0, dead: 0 };
  const parts = {
    health: { counts: () => counts, rows: () => [] },
    pools: { isLeading: false, usage: () => [] },
  };
  const make = (having: Pick<IngressMetricsOptions, 'health' | 'pools'>): Registry => {
    const registry = new Registry();
    addIngressMetrics(registry, { publications: () => [], ...having, marks: { mask: 0xff, first: 1 } });
    return registry;
  };
  return listWith(make(parts), [
    ['`ingress.healthChecks.enabled`', make({ ...parts, health: null })],
    ['`ingress.pool`, with an API server', make({ ...parts, pools: null })],
  ]);
}

function makeDnsRegistry(): Registry {
  const registry = new Registry();
  addDnsMetrics(registry, '0.0.0', async () => []);
  addRequestMetrics(registry, 'coredns_kubernetes_');
  addTurnMetrics(registry, 'coredns_kubernetes_');
  void new DnsHealthMetrics(registry);
  return registry;
}

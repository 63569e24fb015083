import { addDnsMetrics } from '../../src/cli/dns-metrics.ts';
import { DnsHealthMetrics } from '../../src/cli/dns-pages.ts';
import { addIngressMetrics } from '../../src/cli/ingress-metrics.ts';
import {
  Registry,
  addBuildMetrics,
  addFrontendMetrics,
  addProcessMetrics,
  addRequestMetrics,
  addServerMetrics,
  addTurnMetrics,
  createSyncMetrics,
  systemClock,
} from '../../src/observe/mod.ts';
import type { MetricDescription } from '../../src/observe/mod.ts';

export type KnownMetrics = ReadonlyMap<string, MetricDescription>;

/** Every metric that an agent has in some mode or with something switched on, as its own registry describes it. */
export function listKnownMetrics(): KnownMetrics {
  const registries = [makeProxyRegistry(), ...(['iptables', 'nftables'] as const).map(makeSyncRegistry), makeDnsRegistry()];
  return new Map(registries.flatMap((registry) => registry.list()).map((metric) => [metric.name, metric]));
}

function makeSyncRegistry(mode: 'iptables' | 'ipvs' | 'nftables'): Registry {
  const registry = new Registry();
  createSyncMetrics(registry, mode);
  return registry;
}

/** In ipvs mode with ingress; nothing is counted, so nothing is asked. */
function makeProxyRegistry(): Registry {
  const registry = makeSyncRegistry('ipvs');
  addBuildMetrics(registry, '0.0.0', {});
  addProcessMetrics(registry, 0);
  addFrontendMetrics(registry, () => []);
  addRequestMetrics(registry);
  addServerMetrics(registry, { statistics: () => [], connections: async () => [], detail: 'endpoint', clock: systemClock });
  const counts = { watched: 0, running: 0, checks: 0, failures: 0, unasked: 0, late: 0, taken: 0, returned: 0, dead: 0 };
  addIngressMetrics(registry, {
    publications: () => [],
    health: { counts: () => counts, rows: () => [] },
    pools: { isLeading: false, usage: () => [] },
    marks: { mask: 0xff, first: 1 },
  });
  return registry;
}

function makeDnsRegistry(): Registry {
  const registry = new Registry();
  addDnsMetrics(registry, '0.0.0', async () => []);
  addRequestMetrics(registry, 'coredns_kubernetes_');
  addTurnMetrics(registry, 'coredns_kubernetes_');
  void new DnsHealthMetrics(registry);
  return registry;
}

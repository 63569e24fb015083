import type { Counter, Registry } from './metrics.ts';

/** Adds the reference's counts of answers about the agent's health (specification 8.2), one for each page. */
export function addHealthMetrics(registry: Registry): Readonly<Record<'/healthz' | '/livez', Counter>> {
  const counter = (page: 'healthz' | 'livez'): Counter =>
    registry.counter({ name: `kubeproxy_proxy_${page}_total`, help: `Answers of /${page} by status.`, labels: ['code'] });
  return { '/healthz': counter('healthz'), '/livez': counter('livez') };
}

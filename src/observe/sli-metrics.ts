import { Registry } from './metrics.ts';

/** The metrics that `/metrics/slis` serves (KEP-3466), in a registry of their own. */
export interface SliMetrics {
  readonly registry: Registry;
  /** Notes one answer of a check. */
  note(name: string, type: 'healthz' | 'livez', good: boolean): void;
}

/** Makes the metrics; a check has series after its first answer. */
export function createSliMetrics(): SliMetrics {
  const registry = new Registry();
  const state = registry.gauge({
    name: 'kubernetes_healthcheck',
    help: 'Whether the last answer of a health check was good.',
    labels: ['name', 'type'],
  });
  const answers = registry.counter({
    name: 'kubernetes_healthchecks_total',
    help: 'Answers of each health check by result.',
    labels: ['name', 'status', 'type'],
  });
  return {
    registry,
    note: (name, type, good) => {
      state.set([name, type], good ? 1 : 0);
      answers.add([name, good ? 'success' : 'error', type]);
    },
  };
}

import type { KnownMetrics } from '../metrics/known-metrics.ts';

/** What Prometheus adds to every series of a target, and the variables of the dashboards. */
const labelsOfTargets = new Set(['instance', 'job', 'le']);

const metricsOf = /(?<![\w:"])((?:kubeproxy|waypost|coredns|process|rest_client|kubernetes)_[a-z0-9_]+)(?:\{([^}]*)\})?/g;

/**
 * What is wrong with an expression of PromQL: metrics that the agent does not have, labels that those do not have, a rate of what
 * is no counter, and a counter without one. Pure.
 */
export function checkExpression(expression: string, known: KnownMetrics): readonly string[] {
  const mistakes: string[] = [];
  const labels = new Set<string>();
  const found = [...expression.matchAll(metricsOf)];
  if (found.length === 0) mistakes.push('it names no metric');
  for (const [, written = '', selectors = ''] of found) {
    const base = baseOf(written, known);
    const metric = known.get(base);
    if (metric === undefined || (base !== written && metric.type !== 'histogram')) {
      mistakes.push(`there is no metric ${written}`);
      continue;
    }
    for (const label of metric.labels) labels.add(label);
    const own = new Set<string>([...metric.labels, ...labelsOfTargets]);
    for (const [, label = ''] of selectors.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)) {
      if (!own.has(label)) mistakes.push(`${written} has no label ${label}`);
    }
    const grows = metric.type !== 'gauge';
    const rated = new RegExp(`(?:rate|increase)\\(\\s*${written}(?:\\{[^}]*\\})?\\[`).test(expression);
    if (grows !== rated)
      mistakes.push(`${written} is a ${metric.type}: ${grows ? 'it needs' : 'it must have'} ${grows ? 'a' : 'no'} rate`);
  }
  for (const [, list = ''] of expression.matchAll(/\bby\s*\(([^)]*)\)/g)) {
    for (const label of list.split(',').map((word) => word.trim())) {
      if (!labels.has(label) && !labelsOfTargets.has(label)) mistakes.push(`no metric of it has the label ${label}`);
    }
  }
  return mistakes;
}

/** The metrics that an expression names, in its order; histograms without the ending of a series. */
export function metricsIn(expression: string, known: KnownMetrics): readonly string[] {
  return [...expression.matchAll(metricsOf)].map(([, name = '']) => baseOf(name, known));
}

/** The metric that a series is of. */
function baseOf(series: string, known: KnownMetrics): string {
  return known.has(series) ? series : series.replace(/_(?:bucket|sum|count)$/, '');
}

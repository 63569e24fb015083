import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { alerts } from './alerts.ts';
import { dnsBoard, proxyBoard } from './boards.ts';
import { checkExpression } from './check-expression.ts';
import { renderFiles } from './files.ts';
import { listKnownMetrics } from '../metrics/known-metrics.ts';

const known = listKnownMetrics();

/** As Prometheus gets it from Grafana. */
const bare = (expression: string): string => expression.replaceAll('$__rate_interval', '5m');

test.each([...renderFiles()])('%s is what node scripts/dashboards.ts writes', (file, text) => {
  expect(readFileSync(file, 'utf8')).toBe(text);
});

describe.each([proxyBoard, dnsBoard])('$title', ({ rows }) => {
  const panels = rows.flatMap((row) => row.panels);

  test.each(panels)('$title asks for metrics and labels that the agent has', ({ lines }) => {
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.flatMap(([expression]) => checkExpression(bare(expression), known))).toEqual([]);
  });

  test('its legends name labels that its lines are told apart by', () => {
    const lines = panels.flatMap((panel) => panel.lines);
    const wrong = lines.filter(([expression, legend]) => {
      const kept = new Set([...expression.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(', ')));
      return [...legend.matchAll(/\{\{(\w+)\}\}/g)].some(([, label = '']) => !kept.has(label));
    });
    expect(wrong).toEqual([]);
  });
});

test.each(alerts)('the alert $name asks for metrics and labels that the agent has', ({ expression, summary, holds }) => {
  expect(checkExpression(expression, known)).toEqual([]);
  expect(holds).toMatch(/^\d+m$/);
  const kept = [...expression.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(', '));
  const told = [...summary.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label);
  expect(told.filter((label) => kept.length > 0 && !kept.includes(label))).toEqual([]);
});

test('the rules are one group of names that are there once', () => {
  const file = parse(readFileSync('deploy/observability/waypost.rules.yaml', 'utf8')) as {
    readonly groups: readonly { readonly rules: readonly { readonly alert: string }[] }[];
  };
  const names = file.groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
  expect(names).toEqual([...new Set(names)]);
  expect(names).toHaveLength(alerts.length);
});

describe('an expression is refused', () => {
  test.each([
    ['rate(waypost_nothing_total[5m])', 'there is no metric waypost_nothing_total'],
    ['rate(waypost_frontends_bucket[5m])', 'there is no metric waypost_frontends_bucket'],
    ['sum by (colour) (waypost_frontends)', 'no metric of it has the label colour'],
    ['waypost_frontends{colour="red"}', 'waypost_frontends has no label colour'],
    ['rate(waypost_frontends[5m])', 'waypost_frontends is a gauge: it must have no rate'],
    ['coredns_panics_total > 0', 'coredns_panics_total is a counter: it needs a rate'],
    ['up == 0', 'it names no metric'],
  ])('%s', (expression, mistake) => {
    expect(checkExpression(expression, known)).toEqual([mistake]);
  });
});

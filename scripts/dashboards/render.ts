import { stringify } from 'yaml';
import type { Alert } from './alerts.ts';
import type { Board, Panel } from './boards.ts';
import { metricsIn } from './check-expression.ts';
import type { KnownMetrics } from '../metrics/known-metrics.ts';

const columns = 24;
const panelHeight = 8;
const datasource = { type: 'prometheus', uid: '${datasource}' } as const;

/** The board in the form that Grafana imports (schema 39). What a panel is about are the helps of its metrics. Pure. */
export function renderBoard({ uid, title, rows }: Board, known: KnownMetrics, variable: string): string {
  const panels: object[] = [];
  let id = 0;
  let y = 0;
  for (const row of rows) {
    panels.push({
      id: (id += 1),
      type: 'row',
      title: row.title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y, w: columns, h: 1 },
    });
    y += 1;
    const width = Math.floor(columns / row.panels.length);
    for (const [index, panel] of row.panels.entries()) {
      panels.push({ id: (id += 1), ...renderPanel(panel, known), gridPos: { x: index * width, y, w: width, h: panelHeight } });
    }
    y += panelHeight;
  }
  const board = {
    uid,
    title,
    tags: ['waypost'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    templating: { list: [sourceVariable, instanceVariable(variable)] },
    panels,
  };
  return `${JSON.stringify(board, null, 2)}\n`;
}

const sourceVariable = { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' };

function instanceVariable(metric: string): object {
  const query = `label_values(${metric}, instance)`;
  const all = { text: 'All', value: '$__all' };
  return {
    name: 'instance',
    label: 'Node',
    type: 'query',
    datasource,
    query,
    includeAll: true,
    multi: true,
    refresh: 2,
    current: all,
  };
}

function renderPanel({ title, unit, lines }: Panel, known: KnownMetrics): object {
  const names = [...new Set(lines.flatMap(([expression]) => metricsIn(expression, known)))];
  return {
    type: 'timeseries',
    title,
    description: names.map((name) => `${name}: ${known.get(name)?.help}`).join('\n\n'),
    datasource,
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options: { legend: { showLegend: true, displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi' } },
    targets: lines.map(([expr, legendFormat], index) => ({
      refId: String.fromCodePoint(65 + index),
      datasource,
      expr,
      legendFormat,
    })),
  };
}

/** A file of rules for Prometheus. Pure. */
export function renderAlerts(alerts: readonly Alert[]): string {
  const rules = alerts.map(({ name, expression, holds, severity, summary, advice }) => ({
    alert: name,
    expr: expression,
    for: holds,
    labels: { severity },
    annotations: { summary, description: advice },
  }));
  return stringify({ groups: [{ name: 'waypost', rules }] }, { lineWidth: 0 });
}

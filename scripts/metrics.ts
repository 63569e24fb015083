/** Writes docs/metrics.md: every metric of the agent. A test fails where the page is stale. */
import { writeFileSync } from 'node:fs';
import { listMetricGroups } from './metrics/known-metrics.ts';
import { remarks } from './metrics/remarks.ts';
import { renderMetrics } from './metrics/render-metrics.ts';

const groups = listMetricGroups();
writeFileSync('docs/metrics.md', renderMetrics(groups, remarks));
console.log(`docs/metrics.md is written: ${groups.flatMap(({ metrics }) => metrics).length} metrics.`);

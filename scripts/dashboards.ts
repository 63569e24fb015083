/** Writes deploy/observability: dashboards for Grafana and rules for Prometheus. A test fails where they are stale. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { renderFiles } from './dashboards/files.ts';

mkdirSync('deploy/observability', { recursive: true });
const files = renderFiles();
for (const [file, text] of files) writeFileSync(file, text);
console.log(`${files.size} files in deploy/observability are written.`);

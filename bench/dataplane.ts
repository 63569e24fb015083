import { writeFileSync } from 'node:fs';
import { formatTable } from '../src/observe/mod.ts';
import type { DataplaneResult } from './node-case.ts';
import { prepareNodeBench, runNodeCase } from './run-node-case.ts';

const columns: readonly (readonly [string, (result: DataplaneResult) => string])[] = [
  ['direct us', (one) => one.directMicros.toFixed(1)],
  ['ClusterIP us', (one) => one.serviceMicros.toFixed(1)],
  ['ratio', (one) => (one.serviceMicros / one.directMicros).toFixed(2)],
  ['direct /s', (one) => one.directRate.toFixed(0)],
  ['ClusterIP /s', (one) => one.serviceRate.toFixed(0)],
];

/**
 * `npm run bench -- dataplane`: what a new TCP connection through a ClusterIP costs beside one to the endpoint itself, in each mode and
 * at each size of cluster. Median of 4,000 connections to 50 Services in turns; the rate is with eight under way.
 */
export async function runDataplaneBench(): Promise<void> {
  const { modes, sizes, launcher, json } = await prepareNodeBench([10, 10_000]);
  const all: Record<string, DataplaneResult> = {};
  const rows: string[][] = [];
  const ratios: string[] = [];
  for (const mode of modes) {
    const results: DataplaneResult[] = [];
    for (const services of sizes) {
      const asked = {
        launcher,
        mode,
        services,
        dns: false,
        measure: 'dataplane',
        changes: 0,
        churnSeconds: 0,
        churnRates: [],
      } as const;
      const { dataplane } = await runNodeCase(asked);
      if (dataplane === null) throw new Error('the case measured no connections');
      results.push(dataplane);
      all[`${mode} ${services}`] = dataplane;
      rows.push([mode, `${services}`, ...columns.map(([, format]) => format(dataplane))]);
    }
    const [small, large] = [results[0], results.at(-1)];
    if (small === undefined || large === undefined || results.length < 2) continue;
    const ratio = large.serviceMicros / large.directMicros / (small.serviceMicros / small.directMicros);
    ratios.push(
      `${mode}: a connection at ${sizes.at(-1)} Services takes ${ratio.toFixed(2)} x that at ${sizes[0]}, each against a direct one`,
    );
  }
  const titles = ['mode', 'Services', ...columns.map(([title]) => title)];
  console.log(
    formatTable(
      titles.map((title) => ({ title, align: title === 'mode' ? 'left' : 'right' })),
      rows,
    ),
  );
  console.log(ratios.join('\n'));
  if (json !== null) writeFileSync(json, `${JSON.stringify(all, null, 1)}\n`);
}

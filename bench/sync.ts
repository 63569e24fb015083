import { writeFileSync } from 'node:fs';
import { formatTable } from '../src/observe/mod.ts';
import type { NodeResult } from './node-case.ts';
import { prepareNodeBench, quantile, runNodeCase } from './run-node-case.ts';

/** The quick one first: what a change costs is asked of an agent that has been running. */
const rates = [500, 50] as const;

const columns: readonly (readonly [string, (result: NodeResult) => string])[] = [
  ['first sync ms', (one) => one.firstSyncMs.toFixed(0)],
  ['seen p50 ms', (one) => quantile(one.seen, 0.5).toFixed(1)],
  ['answered p50 ms', (one) => quantile(one.answered, 0.5).toFixed(1)],
  ['p99 ms', (one) => quantile(one.answered, 0.99).toFixed(1)],
  ...rates.map(
    (rate, index) => [`CPU ms at ${rate}/s`, (one: NodeResult) => (one.churnCpuMs[index] ?? Number.NaN).toFixed(2)] as const,
  ),
  ['rest MiB', (one) => one.restMib.toFixed(0)],
  ['peak MiB', (one) => one.peakMib.toFixed(0)],
];

/**
 * `npm run bench -- sync`: the agent from its bundle, beside an API server that speaks list and watch, in a network namespace. Ten
 * endpoints for each Service. `first sync` is from the start of the process to `/healthz`; `answered` from the write of an
 * EndpointSlice to the first connection through the ClusterIP that the new endpoint answers, each after a second of quiet, and
 * `seen` to the event at another client of the API server; `CPU` is that of the agent and its children for each change. The last row
 * of each mode has cluster DNS on.
 */
export async function runSyncBench(): Promise<void> {
  const { modes, sizes, launcher, json } = await prepareNodeBench([10, 5000, 10_000]);
  const all: Record<string, NodeResult> = {};
  for (const mode of modes) {
    const rows: string[][] = [];
    const results: NodeResult[] = [];
    const common = { launcher, mode, measure: 'sync', churnRates: rates } as const;
    for (const services of sizes) {
      const result = await runNodeCase({ ...common, services, dns: false, changes: 40, churnSeconds: 20 });
      results.push(result);
      all[`${mode} ${services}`] = result;
      rows.push([`${services}`, ...cellsOf(result)]);
      console.log(`${mode}, ${services} Services: done`);
    }
    const withDns = sizes.includes(5000) ? 5000 : (sizes.at(-1) ?? 10);
    const result = await runNodeCase({ ...common, services: withDns, dns: true, changes: 0, churnSeconds: 20 });
    all[`${mode} ${withDns} dns`] = result;
    rows.push([`${withDns} + DNS`, ...cellsOf(result)]);
    console.log(
      `\n${mode} mode\n${formatTable(
        ['Services', ...columns.map(([title]) => title)].map((title) => ({ title, align: 'right' })),
        rows,
      )}`,
    );
    const [small, large] = [results[0], results.at(-1)];
    if (small === undefined || large === undefined || results.length < 2) continue;
    const ratio = quantile(large.answered, 0.5) / quantile(small.answered, 0.5);
    console.log(
      `one change at ${sizes.at(-1)} against ${sizes[0]} Services: ${ratio.toFixed(2)} x the time until it is answered\n`,
    );
  }
  if (json !== null) writeFileSync(json, `${JSON.stringify(all, null, 1)}\n`);
}

/** A dash for what was not measured. */
function cellsOf(result: NodeResult): readonly string[] {
  return columns.map(([, format]) => format(result).replace('NaN', '-'));
}

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { formatTable } from '../src/observe/mod.ts';
import type { HealthResult } from './health-case.ts';

const kinds = ['tcp', 'http'] as const;
const rate = 500;
const rounds = 5;
const secondsPerRound = 3;
/** Share of a core for checks by TCP, and milliseconds beyond `fall * interval`: 3 checks, one each 200 ms. */
const targets = { share: 0.05, bound: 3 * 200 + 100 } as const;

const columns: readonly (readonly [string, (result: HealthResult) => string])[] = [
  ['checks/s', (one) => one.perSecond.toFixed(0)],
  ['core % median', (one) => (100 * median(one.shares)).toFixed(2)],
  ['core % most', (one) => (100 * Math.max(...one.shares)).toFixed(2)],
  ['us each', (one) => ((1e6 * median(one.shares)) / one.perSecond).toFixed(1)],
  ['failures', (one) => `${one.failures}`],
  ['late', (one) => `${one.late}`],
  ['longest turn ms', (one) => one.longestTurnMs.toFixed(1)],
  ['out after ms, median', (one) => median(one.found).toFixed(0)],
  ['most', (one) => Math.max(...one.found).toFixed(0)],
];

/**
 * 100 back ends in another process, each asked every 200 ms: 500 checks a second. The share of a core is that of the whole
 * checking process, the kernel's work on loopback for both ends included. Then ten back ends end, one after another.
 */
export async function runHealthBench(): Promise<void> {
  const script = fileURLToPath(new URL('health-case.ts', import.meta.url));
  const rows: string[][] = [];
  for (const kind of kinds) {
    const words = [script, kind, `${rate}`, `${rounds}`, `${secondsPerRound}`];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, words);
    if (stderr !== '') console.error(stderr);
    const result = JSON.parse(stdout) as HealthResult;
    rows.push([kind, ...columns.map(([, format]) => format(result))]);
    const [share, slowest] = [median(result.shares), Math.max(...result.found)];
    if (kind === 'tcp') console.log(`share of a core: ${(100 * share).toFixed(2)} %, ${verdict(share < targets.share)}`);
    console.log(`${kind}: out after ${slowest.toFixed(0)} ms of ${targets.bound}, ${verdict(slowest <= targets.bound)}`);
  }
  const titles = ['check', ...columns.map(([title]) => title)];
  console.log(
    formatTable(
      titles.map((title) => ({ title, align: 'right' })),
      rows,
    ),
  );
}

function verdict(met: boolean): string {
  return met ? 'met' : 'missed';
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

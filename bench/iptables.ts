import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { formatTable } from '../src/observe/mod.ts';
import type { IptablesResult } from './iptables-case.ts';

/** Those of bin/waypost. */
const agentFlags = ['--max-semi-space-size=2'];

const sizes = [10, 1000, 10_000] as const;
const variants = ['legacy', 'nft'] as const;

/** What is printed of each case: a heading and how the figure is written. */
const columns: readonly (readonly [string, (result: IptablesResult) => string])[] = [
  ['decode ms', (one) => one.decodeMs.toFixed(0)],
  ['first sync ms', (one) => one.firstSyncMs.toFixed(0)],
  ['first sync KB', (one) => (one.firstSyncBytes / 1000).toFixed(0)],
  ['change ms', (one) => one.changeMs.toFixed(1)],
  ['change plan ms', (one) => one.changePlanMs.toFixed(2)],
  ['change bytes', (one) => one.changeBytes.toFixed(0)],
  ['heap MB', (one) => (one.heapBytes / 1e6).toFixed(0)],
  ['RSS MB', (one) => (one.residentBytes / 1e6).toFixed(0)],
  ['longest turn ms', (one) => one.longestTurnMs.toFixed(1)],
  ['path rules', (one) => one.pathMean.toFixed(1)],
  ['path worst', (one) => one.pathWorst.toFixed(0)],
  ['connect us', (one) => one.connectMicros.toFixed(0)],
];

/**
 * Ten endpoints for each Service, one agent for each case, the real kernel in a namespace. `change` is one
 * endpoint more or less: from the commit of the store to the confirmed row, median of 30
 * after 10.
 */
export async function runIptablesBench(): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('the iptables benchmark makes network namespaces, which needs root');
  for (const variant of variants) {
    const results: IptablesResult[] = [];
    for (const services of sizes) results.push(await runCase(services, variant));
    const rows = results.map((result, index) => [`${sizes[index]}`, ...columns.map(([, format]) => format(result))]);
    console.log(
      `\niptables-${variant}\n${formatTable(
        ['Services', ...columns.map(([title]) => title)].map((title) => ({ title, align: 'right' })),
        rows,
      )}`,
    );
    const [small, , large] = results;
    if (small === undefined || large === undefined) continue;
    const bytes = (large.changeBytes / small.changeBytes).toFixed(2);
    const plan = (large.changePlanMs / small.changePlanMs).toFixed(2);
    console.log(`one change at ${sizes[2]} against ${sizes[0]} Services: ${bytes} x bytes, ${plan} x planning time`);
  }
}

async function runCase(services: number, variant: string): Promise<IptablesResult> {
  const script = fileURLToPath(new URL('iptables-case.ts', import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    ...agentFlags,
    '--expose-gc',
    script,
    `${services}`,
    variant,
  ]);
  if (stderr !== '') console.error(stderr);
  return JSON.parse(stdout) as IptablesResult;
}

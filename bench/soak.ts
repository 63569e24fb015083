import { parseArgs } from 'node:util';
import { bundleForBench, runInNamespace } from './run-node-case.ts';
import type { SoakResult } from './soak-case.ts';

/**
 * `npm run bench -- soak`: a day of churn in half an hour. 1,000 Services of ten endpoints change 50 times a second, which is what a
 * busy cluster does in 48 times as long; the API server goes away and forgets, and somebody edits our tables. Memory has to be flat,
 * and the kernel has to hold in the end what an agent makes that starts afresh. Cluster DNS is on. nftables mode.
 */
export async function runSoakBench(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      minutes: { type: 'string', default: '30' },
      services: { type: 'string', default: '1000' },
      rate: { type: 'string', default: '50' },
      seed: { type: 'string', default: '4711' },
    },
  });
  const [minutes, services, rate, seed] = [values.minutes, values.services, values.rate, values.seed].map(Number);
  for (const [name, value] of Object.entries({ minutes, services, rate, seed }))
    if (value === undefined || !(value > 0))
      throw new Error(`--${name} must be a number above 0, not ${String(values[name as 'seed'])}`);
  const launcher = await bundleForBench();
  const result = await runInNamespace<SoakResult>('soak-case.ts', { launcher, minutes, services, rate, seed });
  const third = Math.floor(result.memory.length / 3);
  const thirds = [0, 1, 2].map((part) => mean(result.memory.slice(part * third, (part + 1) * third)));
  const [, middle = Number.NaN, last = Number.NaN] = thirds;
  console.log(`${result.changes} changes, ${result.cpuMs.toFixed(2)} ms of CPU each`);
  console.log(
    `memory by thirds of the time, MiB: ${thirds.map((one) => one.toFixed(0)).join(', ')}; peak ${result.peakMib.toFixed(0)}`,
  );
  console.log(`the last third against the middle one: ${(100 * (last / middle - 1)).toFixed(1)} %, target within 5 %`);
  console.log(`lines in which the kernel differs from a fresh build: ${result.differences.length}, target 0`);
  for (const line of result.differences) console.log(`  ${line}`);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, one) => sum + one, 0) / values.length;
}

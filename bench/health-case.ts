import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { HealthChecker, openProbes } from '../src/ingress/mod.ts';
import { parseAddress } from '../src/model/mod.ts';
import type { BackendAddress, HealthCheckSpec } from '../src/model/mod.ts';

export interface HealthResult {
  /** Shares of a core, one for each round. */
  readonly shares: readonly number[];
  readonly perSecond: number;
  readonly failures: number;
  readonly late: number;
  /** Milliseconds from the end of a back end to the word that it is out, one for each. */
  readonly found: readonly number[];
  /** The longest turn of the event loop, in CPU milliseconds of the main thread. */
  readonly longestTurnMs: number;
}

/** `health-case.ts <tcp | http> <checks a second> <rounds> <seconds>`: prints a {@link HealthResult}. */
const [kind, rate, rounds, seconds] = [process.argv[2], ...process.argv.slice(3).map(Number)] as const;
const amount = 100;
const stopped = 10;
const intervalMs = (amount * 1000) / (rate ?? 1);
const spec: HealthCheckSpec = {
  probe: kind === 'http' ? { kind: 'http', path: '/healthz', host: null } : { kind: 'tcp' },
  port: null,
  intervalMs,
  timeoutMs: intervalMs / 2,
  rise: 2,
  fall: 3,
};
const address = parseAddress('127.0.0.1');
if (address === null) throw new Error('127.0.0.1 is no address');

const script = fileURLToPath(new URL('health-server.ts', import.meta.url));
const server = spawn(process.execPath, [script, `${amount}`], { stdio: ['pipe', 'pipe', 'inherit'] });
const lines = createInterface({ input: server.stdout });
const [ports] = (await once(lines, 'line')) as [string];
const backends = ports.split(' ').map((port): BackendAddress => ({ address, protocol: 'TCP', port: Number(port) }));

let waited: ((service: string) => void) | null = null;
const probes = await openProbes(null);
const checker = new HealthChecker({
  clock: {
    now: () => performance.now(),
    after(delay, callback) {
      const timer = setTimeout(() => measureTurn(callback), delay);
      return () => clearTimeout(timer);
    },
  },
  wallTime: () => Date.now(),
  ask: probes.ask,
  concurrency: { sockets: 256, programs: 16 },
  changed: (services) => services.forEach((service) => waited?.(service)),
});
let longestTurnMs = 0;
function measureTurn(callback: () => void): void {
  const before = process.threadCpuUsage();
  callback();
  const { user, system } = process.threadCpuUsage(before);
  longestTurnMs = Math.max(longestTurnMs, (user + system) / 1000);
}

for (const backend of backends) checker.set(`bench/${backend.port}`, spec, [backend]);
await sleep(2000);
longestTurnMs = 0;
const shares: number[] = [];
const begun = { at: performance.now(), checks: checker.counts().checks };
for (let round = 0; round < (rounds ?? 1); round += 1) {
  const from = performance.now();
  const before = process.cpuUsage();
  await sleep((seconds ?? 1) * 1000);
  const { user, system } = process.cpuUsage(before);
  shares.push((user + system) / 1000 / (performance.now() - from));
}
const { checks, failures, late } = checker.counts();
const perSecond = ((checks - begun.checks) * 1000) / (performance.now() - begun.at);
const found: number[] = [];
for (const { port } of backends.slice(0, stopped)) {
  const out = new Promise<number>((resolve) => {
    waited = (service) => service === `bench/${port}` && resolve(Number(process.hrtime.bigint()) / 1e6);
  });
  // At any moment of the back end's interval.
  await sleep(Math.random() * intervalMs);
  server.stdin.write(`${port}\n`);
  const [at] = (await once(lines, 'line')) as [string];
  found.push((await out) - Number(at));
}
checker.close();
probes.close();
server.stdin.end();
const result: HealthResult = { shares, perSecond, failures, late, found, longestTurnMs };
console.log(JSON.stringify(result));

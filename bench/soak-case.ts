import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiServer } from '../test/api-server/api-server.ts';
import { runIn } from '../test/lab/driver-netns.ts';
import { readTables, resetTables } from '../test/lifecycle/nftables-rules.ts';
import { createRandom } from '../test/lifecycle/random.ts';
import { AgentProcess } from './agent-process.ts';
import { assertOwnNamespace, fillServer, untilHealthy, writeArguments } from './agent-stage.ts';
import { endpointsEach, makeService, makeSlice } from './cluster.ts';

/** What is asked of a soak, as JSON in the only argument. */
export interface SoakCase {
  readonly launcher: string;
  readonly services: number;
  readonly minutes: number;
  /** Changes a second. */
  readonly rate: number;
  readonly seed: number;
}

/** What it prints, as JSON. */
export interface SoakResult {
  readonly changes: number;
  /** MiB of the agent, every five seconds. */
  readonly memory: readonly number[];
  readonly peakMib: number;
  /** Milliseconds of CPU for each change. */
  readonly cpuMs: number;
  /** Lines in which the kernel differs from what an agent made that started with the last state. */
  readonly differences: readonly string[];
}

const samplePeriod = 5000;
/** Seconds between two of each: the API server goes away and has forgotten all versions when it is back; somebody edits our table. */
const troubles = { outage: 170, edit: 230 } as const;
const edits = [
  'flush chain ip kube-proxy from_pod',
  'delete table ip6 kube-proxy',
  'flush map ip kube-proxy service_tcp',
] as const;

async function runSoak(asked: SoakCase): Promise<SoakResult> {
  assertOwnNamespace();
  const folder = mkdtempSync(join(tmpdir(), 'waypost-bench-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const here = { exec: (command: string, args: readonly string[], input = '') => runIn(null, command, args, { input }) };
  await resetTables(here as never);
  const server = new ApiServer();
  stack.defer(() => server.close());
  fillServer(server, asked.services);
  const args = writeArguments(folder, await server.start(), { mode: 'nftables', dns: true });
  const agent = AgentProcess.start(asked.launcher, args);
  stack.defer(() => agent.stop());
  await untilHealthy(agent);
  const before = agent.cpuMs();
  const { changes, memory } = await churn(server, agent, asked);
  const cpuMs = (agent.cpuMs() - before) / changes;
  // Longer than the interval between two syncs.
  await sleep(5000);
  const { peak } = agent.memory();
  const worn = await readTables(here as never, ['IPv4', 'IPv6']);
  await agent.stop();
  await resetTables(here as never);
  const fresh = AgentProcess.start(asked.launcher, args);
  stack.defer(() => fresh.stop());
  await untilHealthy(fresh);
  const built = await readTables(here as never, ['IPv4', 'IPv6']);
  return { changes, memory, peakMib: peak, cpuMs, differences: differLines(worn.all, built.all) };
}

async function churn(
  server: ApiServer,
  agent: AgentProcess,
  { services, minutes, rate, seed }: SoakCase,
): Promise<{ readonly changes: number; readonly memory: readonly number[] }> {
  const random = createRandom(seed);
  const began = performance.now();
  const memory: number[] = [];
  const due = { sample: samplePeriod, outage: troubles.outage * 1000, edit: troubles.edit * 1000 };
  let changes = 0;
  let edited = 0;
  for (let passed = 0; passed < minutes * 60_000; passed = performance.now() - began) {
    for (; changes < (passed / 1000) * rate; changes += 1) changeSomething(server, services, random);
    if (passed >= due.sample) {
      if (!agent.running) throw new Error(`the agent ended:\n${agent.output}`);
      memory.push(agent.memory().now);
      due.sample += samplePeriod;
    }
    if (passed >= due.outage) {
      due.outage += troubles.outage * 1000;
      await server.close();
      server.compact();
      await sleep(3000);
      await server.start();
    }
    if (passed >= due.edit) {
      due.edit += troubles.edit * 1000;
      await runIn(null, 'nft', [edits[edited % edits.length] ?? edits[0]], { input: '' });
      edited += 1;
    }
    await sleep(20);
  }
  return { changes, memory };
}

/** Mostly endpoints come and go; Services are deleted, come back, and change. */
function changeSomething(server: ApiServer, services: number, random: () => number): void {
  const index = Math.floor(random() * services);
  const what = random();
  const { metadata, spec, ...rest } = makeService(index) as { readonly metadata: Named; readonly spec: object };
  if (what < 0.85) server.put('endpointslices', makeSlice(index, Math.floor(random() * 2 * endpointsEach)) as never);
  else if (what < 0.9) server.remove('services', metadata.namespace, metadata.name);
  else {
    const affinity = random() < 0.1 ? { sessionAffinity: 'ClientIP' } : {};
    const policy = random() < 0.1 ? { internalTrafficPolicy: 'Local' } : {};
    server.put('services', { ...rest, metadata, spec: { ...spec, ...affinity, ...policy } } as never);
  }
}

interface Named {
  readonly namespace: string;
  readonly name: string;
}

function differLines(one: string, other: string): readonly string[] {
  const [left, right] = [new Set(one.split('\n')), new Set(other.split('\n'))];
  return [
    ...[...left].filter((line) => !right.has(line)).map((line) => `only after the soak: ${line}`),
    ...[...right].filter((line) => !left.has(line)).map((line) => `only when built anew: ${line}`),
  ].slice(0, 50);
}

console.log(JSON.stringify(await runSoak(JSON.parse(process.argv[2] ?? '') as SoakCase)));
process.exit(0);

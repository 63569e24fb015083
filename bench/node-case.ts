import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiServer } from '../test/api-server/api-server.ts';
import { AgentProcess } from './agent-process.ts';
import { assertOwnNamespace, fillServer, untilHealthy, warmUp, writeArguments } from './agent-stage.ts';
import { endpointsEach, makeSlice, makeSliceOf, serviceAddress } from './cluster.ts';
import { connectRate, connectTimes, greet, whoGreets } from './connections.ts';
import { openOtherWatch } from './other-watch.ts';

/** What is asked of one case, as JSON in the only argument. */
export interface NodeCase {
  readonly launcher: string;
  readonly mode: string;
  readonly services: number;
  readonly dns: boolean;
  /** What is measured once everything is in the kernel. */
  readonly measure: 'sync' | 'dataplane';
  /** Changes that are timed one by one. */
  readonly changes: number;
  readonly churnSeconds: number;
  /** Changes a second. */
  readonly churnRates: readonly number[];
}

/** What one case prints, as JSON. Milliseconds and MiB. */
export interface NodeResult {
  readonly firstSyncMs: number;
  /** From the write of an EndpointSlice to the first connection that its endpoint answered. */
  readonly answered: readonly number[];
  /** From the same writes to the event at another client of the API server. */
  readonly seen: readonly number[];
  /** CPU of the agent and its children for each change of a churn. */
  readonly churnCpuMs: readonly number[];
  readonly restMib: number;
  readonly peakMib: number;
  readonly dataplane: DataplaneResult | null;
}

/** Microseconds for one connection, and connections a second with eight under way. */
export interface DataplaneResult {
  readonly directMicros: number;
  readonly serviceMicros: number;
  readonly directRate: number;
  readonly serviceRate: number;
}

const backendPort = 8080;
/** Every address of 10.0.0.0/8 is on loopback, that of each endpoint too. */
const extra = { one: '10.200.0.1', other: '10.200.0.2' } as const;
/** A change after this long is one after quiet: it goes to the kernel at once. */
const quietMs = 1100;
/** Services asked in turns: their entries must not stay in a cache because they are the only ones. */
const spread = 50;

async function runCase(asked: NodeCase): Promise<NodeResult> {
  assertOwnNamespace();
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'waypost-bench-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const server = new ApiServer();
  stack.defer(() => server.close());
  fillServer(server, asked.services);
  const url = await server.start();
  await warmUp(url);
  if (asked.changes > 0 || asked.measure === 'dataplane') {
    const backends = await greet(backendPort);
    stack.defer(() => void backends.close());
  }
  const began = performance.now();
  const agent = AgentProcess.start(asked.launcher, writeArguments(folder, url, asked));
  stack.defer(() => agent.stop());
  await untilHealthy(agent);
  const firstSyncMs = performance.now() - began;
  const measured =
    asked.measure === 'sync' ? await measureChanges(server, agent, asked) : { answered: [], seen: [], churnCpuMs: [] };
  const dataplane = asked.measure === 'dataplane' ? await measureConnections(asked.services) : null;
  // At rest: V8 gives memory back when it has seen nothing happen for eight seconds, twice.
  if (asked.measure === 'sync') await sleep(25_000);
  const { now, peak } = agent.memory();
  return { firstSyncMs, ...measured, restMib: now, peakMib: peak, dataplane };
}

async function measureChanges(
  server: ApiServer,
  agent: AgentProcess,
  { services, changes, churnSeconds, churnRates }: NodeCase,
): Promise<Pick<NodeResult, 'answered' | 'seen' | 'churnCpuMs'>> {
  const { answered, seen } = changes > 0 ? await timeChanges(server, agent, services, changes) : { answered: [], seen: [] };
  const churnCpuMs: number[] = [];
  for (const rate of churnRates) churnCpuMs.push(await churn(server, agent, services, rate, churnSeconds));
  return { answered, seen, churnCpuMs };
}

/** Milliseconds from each write to the first answer by the new endpoint, and to the event at another client. */
async function timeChanges(
  server: ApiServer,
  agent: AgentProcess,
  services: number,
  changes: number,
): Promise<Pick<NodeResult, 'answered' | 'seen'>> {
  const other = await openOtherWatch(server.url, server.history.version);
  const answered: number[] = [];
  const written: bigint[] = [];
  // The first one comes before the code for it has been compiled.
  for (let round = 0; round <= changes; round += 1) {
    // Always the same Service: what counts is whom it is answered by.
    const index = services >> 1;
    const address = round % 2 === 0 ? extra.one : extra.other;
    await sleep(quietMs);
    const began = performance.now();
    written.push(process.hrtime.bigint());
    server.put('endpointslices', makeSliceOf(index, [address]) as never);
    while ((await whoGreets(serviceAddress(index), 80)) !== address) {
      if (performance.now() - began > 60_000) throw new Error(`no answer of ${address} for a minute:\n${agent.output}`);
    }
    answered.push(performance.now() - began);
  }
  await sleep(100);
  other.close();
  const seen = written.map((at, round) => Number((other.arrivals[round] ?? at) - at) / 1e6);
  return { answered: answered.slice(1), seen: seen.slice(1) };
}

/** Milliseconds of CPU for each change. */
async function churn(server: ApiServer, agent: AgentProcess, services: number, rate: number, seconds: number): Promise<number> {
  const before = agent.cpuMs();
  const began = performance.now();
  let made = 0;
  for (; performance.now() - began < seconds * 1000;) {
    const due = Math.floor(((performance.now() - began) / 1000) * rate);
    for (; made < due; made += 1) {
      // All over the cluster, one endpoint more or less.
      const index = (made * 7919) % services;
      server.put('endpointslices', makeSlice(index, endpointsEach + (Math.floor(made / services) % 2 === 0 ? 1 : 0)) as never);
    }
    await sleep(5);
  }
  // The last of them may still wait for the next sync.
  await sleep(2000);
  return (agent.cpuMs() - before) / made;
}

async function measureConnections(services: number): Promise<DataplaneResult> {
  const direct = [extra.one, backendPort] as const;
  const count = Math.min(spread, services);
  const addresses = Array.from({ length: count }, (_, number) => serviceAddress(Math.floor((number * services) / count)));
  const times = await connectTimes([direct, ...addresses.map((address) => [address, 80] as const)], Math.ceil(4000 / count));
  const [directMicros = Number.NaN, ...others] = times;
  return {
    directMicros,
    serviceMicros: others.toSorted((a, b) => a - b)[others.length >> 1] ?? Number.NaN,
    directRate: await connectRate(...direct, 8, 3000),
    serviceRate: await connectRate(addresses.at(-1) ?? '', 80, 8, 3000),
  };
}

console.log(JSON.stringify(await runCase(JSON.parse(process.argv[2] ?? '') as NodeCase)));
process.exit(0);

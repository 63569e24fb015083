import { execFileSync, spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createExecPort, createIptablesDataPlane, createRuleStages, createShell } from '../src/iptables/mod.ts';
import type { RulesetState, Variant } from '../src/iptables/mod.ts';
import { createPause, createStore, decodeService, decodeSlice } from '../src/kube/mod.ts';
import type { Store } from '../src/kube/mod.ts';
import { parseAddress, parsePrefix, succeed } from '../src/model/mod.ts';
import type { ApplyReport, DataPlane, Pause } from '../src/model/mod.ts';
import { systemClock } from '../src/observe/mod.ts';
import { Proxy } from '../src/proxy/mod.ts';
import type { SnapshotSource } from '../src/proxy/mod.ts';
import { createRouting, walkPacket } from '../src/trace/mod.ts';
import type { TracedWay } from '../src/trace/mod.ts';
import { makeService, makeSlice, serviceAddress } from './cluster.ts';

/** What one case of the iptables benchmark prints, as JSON. Times are milliseconds, sizes bytes. */
export interface IptablesResult {
  readonly decodeMs: number;
  readonly firstSyncMs: number;
  readonly firstSyncBytes: number;
  readonly changeMs: number;
  readonly changePlanMs: number;
  readonly changeBytes: number;
  readonly heapBytes: number;
  readonly residentBytes: number;
  readonly longestTurnMs: number;
  /** Rules a packet to a ClusterIP is compared with until its back end is chosen: mean and worst of 50 Services. */
  readonly pathMean: number;
  readonly pathWorst: number;
  readonly connectMicros: number;
}

const endpointsEach = 10;
const changes = 40;

/**
 * Rest before each change, the same at every size: without it a small case, whose kernel answers at once, would
 * be planned from warm caches and a large one, which waits for its kernel, from cold ones.
 */
const restMs = 150;

/** Left out of the medians: the first ones run code that is not compiled yet. */
const warmUp = 10;

/** Runs one case in a namespace of its own: `iptables-case.ts <Services> <variant>`. */
async function runCase(services: number, variant: Variant): Promise<IptablesResult> {
  const namespace = `wpb${process.pid}`;
  const run = (...args: string[]): void => void spawnSync('ip', args);
  // On every way out, Ctrl-C included.
  process.once('exit', () => run('netns', 'del', namespace));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
  run('netns', 'add', namespace);
  for (const args of [
    ['link', 'set', 'lo', 'up'],
    ['addr', 'add', '10.0.0.1/8', 'dev', 'lo'],
  ]) {
    run('-n', namespace, ...args);
  }
  return await measure(services, variant, namespace);
}

async function measure(services: number, variant: Variant, namespace: string): Promise<IptablesResult> {
  const pause = createPause(4);
  const store = createStore();
  const reports: ApplyReport[] = [];
  const port = createExecPort({
    family: 'IPv4',
    variant,
    shell: createShell(),
    commandPrefix: ['ip', 'netns', 'exec', namespace],
  });
  const plane = createIptablesDataPlane({
    port,
    looks: port,
    sets: null,
    family: 'IPv4',
    dropInvalid: true,
    strays: null,
    degraded: (problem) => console.error(problem.message),
    allowLoopbackRouting: () => succeed(undefined),
    pause,
    now: () => performance.now(),
  });
  const source = new StoreSource(store);
  const proxy = startProxy(plane, source, pause, reports);
  const turns = meterTurns();
  const decodeMs = await timed(() => fill(store, source, services, pause));
  source.synced();
  const firstSyncMs = await timed(() => until(() => proxy.synced));
  const first = reports[0];
  const change = await measureChanges(store, source, reports);
  const longestTurnMs = turns.longest();
  const saved = await port.save(['nat', 'filter']);
  if (!saved.ok) throw new Error(saved.problem.message);
  const path = measurePaths(saved.value, services);
  const connectMicros = measureConnects(namespace);
  globalThis.gc?.();
  const memory = process.memoryUsage();
  await proxy.stop();
  await port.close();
  return {
    decodeMs,
    firstSyncMs,
    firstSyncBytes: first?.bytes ?? 0,
    ...change,
    heapBytes: memory.heapUsed,
    residentBytes: memory.rss,
    longestTurnMs,
    ...path,
    connectMicros,
  };
}

/** Adds and removes one endpoint in turn, at a Service in the middle. */
async function measureChanges(store: Store, source: StoreSource, reports: ApplyReport[]) {
  const times: number[] = [];
  const seen = reports.length;
  const index = Math.floor((source.size - 1) / 2);
  for (let round = 0; round < changes; round += 1) {
    const slice = decodeSlice(makeSlice(index, endpointsEach + (round % 2 === 0 ? 1 : 0)));
    if (!slice.ok) throw new Error(slice.problem.message);
    await sleep(restMs);
    const before = reports.length;
    times.push(
      await timed(async () => {
        store.slices.upsert(slice.value);
        source.commit();
        await until(() => reports.length > before);
      }),
    );
  }
  const made = reports.slice(seen + warmUp);
  return {
    changeMs: median(times.slice(warmUp)),
    changePlanMs: median(made.map((report) => report.planMs)),
    changeBytes: median(made.map((report) => report.bytes)),
  };
}

/** Feeds what is in a store to a proxy. */
class StoreSource implements SnapshotSource {
  readonly #store: Store;
  #handlers: Parameters<SnapshotSource['start']>[0] | null = null;

  constructor(store: Store) {
    this.#store = store;
  }

  get size(): number {
    return this.#store.snapshot.services.size;
  }

  start(handlers: Parameters<SnapshotSource['start']>[0]): void {
    this.#handlers = handlers;
  }

  synced(): void {
    this.commit();
    this.#handlers?.synced();
  }

  commit(): void {
    const made = this.#store.commit();
    if (made !== null) this.#handlers?.change(made.snapshot, made.dirty);
  }

  async close(): Promise<void> {
    this.#handlers = null;
  }
}

function startProxy(plane: DataPlane, source: SnapshotSource, pause: Pause, reports: ApplyReport[]): Proxy {
  const podRange = parsePrefix('10.128.0.0/10');
  const proxy = new Proxy({
    planes: [plane],
    source,
    nodeMayCome: true,
    choices: {
      podDetection: { kind: 'cluster-cidr', prefixes: podRange === null ? [] : [podRange] },
      nodePorts: { kind: 'all' },
      localhostNodePorts: true,
      masqueradeBit: 14,
      masqueradeAll: false,
      externalIps: true,
      bindAddress: null,
    },
    nodeName: 'node-1',
    syncPeriod: 3_600_000,
    minSyncPeriod: 0,
    clock: systemClock,
    pause,
    localAddresses: () => [],
    report: (notice) => {
      if (notice.kind !== 'synced') throw new Error(JSON.stringify(notice));
      reports.push(notice.report);
    },
    problem: (problem) => console.error(problem.message),
    fatal: (problem) => console.error(problem.message),
  });
  proxy.start();
  return proxy;
}

/** Decodes and commits in steps, as the cluster source does. */
async function fill(store: Store, source: StoreSource, services: number, pause: Pause): Promise<void> {
  store.nodes.upsert({
    name: 'node-1',
    addresses: ['10.0.0.1' as never],
    podCidrs: [],
    zone: null,
    leaving: false,
    labels: {},
    weight: null,
  });
  for (let index = 0; index < services; index += 1) {
    const service = decodeService(makeService(index));
    const slice = decodeSlice(makeSlice(index, endpointsEach));
    if (!service.ok || !slice.ok) throw new Error('the benchmark makes objects that do not decode');
    store.services.upsert(service.value);
    store.slices.upsert(slice.value);
    if (index % 500 === 499) source.commit();
    await pause();
  }
}

/** From a pod to the ClusterIPs of Services spread over all of them. */
function measurePaths(ruleset: RulesetState, services: number) {
  const count = Math.min(50, services);
  const source = parseAddress('10.128.200.1');
  const everywhere = parsePrefix('0.0.0.0/0');
  if (source === null || everywhere === null) throw new Error('bad address');
  const route = { table: 254, type: 'unicast', device: 'eth0', source: null, gateway: null, protocol: 2 } as const;
  const routing = createRouting({
    family: 'IPv4',
    routes: [{ ...route, destination: everywhere }],
    rules: [{ priority: 32_766, mark: null, table: 254, protocol: 2, further: false }],
    addresses: [{ address: source, device: 'eth0', length: 8, scope: 0 }],
  });
  const sysctls = { forwarding: true, loopbackRouting: () => false, strictReversePath: () => false };
  const node = { routing, stages: createRuleStages(ruleset, 'IPv4'), sysctls };
  const paths = Array.from({ length: count }, (_, number) => {
    const destination = parseAddress(serviceAddress(Math.floor((number * services) / count)));
    if (destination === null) throw new Error('bad address');
    const packet = { family: 'IPv4', protocol: 'TCP', source, sourcePort: 40_000, destination, destinationPort: 80 } as const;
    const walked = walkPacket(node, { packet, inDevice: 'pod', mark: 0, link: null, memory: new Map() });
    if (!walked.ok) throw new Error(walked.problem.message);
    return walked.value;
  });
  const meanOf = (ways: readonly TracedWay[]): number => ways.reduce((sum, one) => sum + one.probability * one.evaluated, 0);
  return {
    pathMean: paths.reduce((sum, ways) => sum + meanOf(ways), 0) / count,
    pathWorst: Math.max(...paths.flat().map(({ evaluated }) => evaluated)),
  };
}

/** Every address of 10.0.0.0/8 is local to the namespace's loopback, the back ends' too. */
function measureConnects(namespace: string): number {
  const script = fileURLToPath(new URL('connect-probe.ts', import.meta.url));
  const command = ['netns', 'exec', namespace, process.execPath, script, serviceAddress(0), '80', '8080'];
  return Number(execFileSync('ip', command, { encoding: 'utf8' }));
}

/**
 * The longest turn of the event loop in CPU time of the main thread, its share of garbage collection
 * included: waiting for a core is the machine's doing.
 */
function meterTurns(): { longest(): number } {
  const spent = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  let longest = 0;
  let last = spent();
  const turn = (): void => {
    const now = spent();
    longest = Math.max(longest, now - last);
    last = now;
    setImmediate(turn).unref();
  };
  turn();
  return { longest: () => longest };
}

/** Asks rarely enough not to take part in what is measured. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

console.log(JSON.stringify(await runCase(Number(process.argv[2]), process.argv[3] as Variant)));

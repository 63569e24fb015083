import { release } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createIpvsDataPlane,
  createIpvsExecPort,
  createIpvsNetlinkPort,
  createSysctlPort,
  standardNumbers,
} from '../src/ipvs/mod.ts';
import type { IpvsPort } from '../src/ipvs/mod.ts';
import { createPause } from '../src/kube/mod.ts';
import { parseAddress, parsePrefix } from '../src/model/mod.ts';
import type { Address, ApplyReport, Backend, Change, Frontend, Pool, Route, ServiceKey } from '../src/model/mod.ts';
import { createRouteTool, openRoutePort } from '../src/netlink/mod.ts';
import { createExecNftPort, createSideRules, openNetlinkNftPort } from '../src/nftables/mod.ts';
import { systemClock } from '../src/observe/mod.ts';

/** What one case of the IPVS benchmark prints, as JSON. Times are milliseconds. */
export interface IpvsResult {
  readonly loadMs: number;
  /** Netlink messages to IPVS, or lines of `ipvsadm -R`. */
  readonly loadMessages: number;
  readonly loadBytes: number;
  readonly changeMs: number;
  readonly changeMessages: number;
  readonly changePlanMs: number;
  readonly residentBytes: number;
}

type Driver = 'netlink' | 'exec';

const endpointsEach = 10;
const rounds = { warmUp: 6, counted: 20 } as const;

/** Runs one case in this process's network namespace, which has to be empty: `ipvs-case.ts <Services> netlink|exec`. */
async function runCase(services: number, driver: Driver): Promise<IpvsResult> {
  const pause = createPause(4);
  const real = driver === 'netlink' ? createIpvsNetlinkPort({ family: 'IPv4', pause }) : createIpvsExecPort({ family: 'IPv4' });
  const { port, counts } = countMessages(real);
  const nft = driver === 'netlink' ? take(await openNetlinkNftPort({ pause })) : createExecNftPort();
  const routes =
    driver === 'netlink' ? take(await openRoutePort({ family: 'IPv4', pause })) : createRouteTool({ family: 'IPv4' });
  const range = parsePrefix('10.96.0.0/16');
  const plane = createIpvsDataPlane({
    family: 'IPv4',
    servers: port,
    side: createSideRules({ family: 'IPv4', port: nft, pause }),
    routes,
    sysctls: createSysctlPort(),
    kernelRelease: release(),
    scheduler: 'rr',
    excludeCidrs: [],
    serviceCidrs: range === null ? [] : [range],
    strictArp: false,
    timeouts: { tcp: 0, tcpFin: 0, udp: 0 },
    drainMs: 0,
    udpDrainMs: 0,
    drainPollMs: 1000,
    captureBit: 12,
    ...standardNumbers,
    echo: 'answer',
    strays: 'drop',
    clock: systemClock,
    now: () => performance.now(),
    pause,
    rest: async (milliseconds) => await sleep(milliseconds),
    degraded: (problem) => console.error(problem.message),
    report: () => {},
  });
  take(await plane.read());
  const all = new Map(Array.from({ length: services }, (_, index) => makeService(index, endpointsEach)));
  const loaded = performance.now();
  check(await plane.apply(changeOf(all, true)));
  const loadMs = performance.now() - loaded;
  const [loadMessages, loadBytes] = [counts.messages, counts.bytes];
  const changes = await measureChanges(services, counts, (change) => plane.apply(change));
  await plane.close();
  await Promise.all([port.close(), nft.close()]);
  routes.close();
  return { loadMs, loadMessages, loadBytes, ...changes, residentBytes: process.memoryUsage.rss() };
}

/** One endpoint more and one less in turn, of UDP's kind of Service: nothing is left to drain. */
async function measureChanges(
  services: number,
  counts: { messages: number },
  apply: (change: Change) => Promise<ApplyReport>,
): Promise<Pick<IpvsResult, 'changeMs' | 'changeMessages' | 'changePlanMs'>> {
  const middle = services >> 1;
  const samples: { readonly ms: number; readonly messages: number; readonly planMs: number }[] = [];
  for (let round = 0; round < rounds.warmUp + rounds.counted; round += 1) {
    const change = changeOf(new Map([makeService(middle, endpointsEach + (round % 2 === 0 ? 1 : 0))]), false);
    const [began, before] = [performance.now(), counts.messages];
    const report = check(await apply(change));
    samples.push({ ms: performance.now() - began, messages: counts.messages - before, planMs: report.planMs });
  }
  const counted = samples.slice(rounds.warmUp);
  return {
    changeMs: median(counted.map(({ ms }) => ms)),
    changeMessages: Math.max(...counted.map(({ messages }) => messages)),
    changePlanMs: median(counted.map(({ planMs }) => planMs)),
  };
}

function countMessages(real: IpvsPort): { readonly port: IpvsPort; readonly counts: { messages: number; bytes: number } } {
  const counts = { messages: 0, bytes: 0 };
  const port: IpvsPort = {
    family: real.family,
    probe: (scheduler) => real.probe(scheduler),
    list: () => real.list(),
    counters: (key) => real.counters(key),
    timeouts: () => real.timeouts(),
    setTimeouts: (timeouts) => real.setTimeouts(timeouts),
    close: () => real.close(),
    apply: async (operations) => {
      const report = await real.apply(operations);
      counts.messages += report.messages;
      counts.bytes += report.bytes;
      return report;
    },
  };
  return { port, counts };
}

function makeService(index: number, endpoints: number): readonly [ServiceKey, readonly Frontend[]] {
  const service = `bench/service-${index}`;
  const servicePort = `${service}:p/UDP`;
  const backends = Array.from({ length: endpoints }, (_, number): Backend => {
    const id = index * 11 + number;
    return {
      address: asAddress(`10.${128 + ((id >> 16) & 63)}.${(id >> 8) & 255}.${id & 255 || 1}`),
      port: 8000 + (id % 7),
      weight: 1,
      local: false,
    };
  });
  const pool: Pool = { key: `${servicePort}#cluster`, backends };
  const route: Route = { verdict: 'forward', pool, masquerade: false };
  const frontend: Frontend = {
    id: `ClusterIP/${index}`,
    service,
    servicePort,
    family: 'IPv4',
    kind: 'ClusterIP',
    address: asAddress(`10.96.${(index >> 8) & 255}.${index & 255}`),
    protocol: 'UDP',
    port: 80,
    routes: { pod: route, node: { ...route, masquerade: true }, outside: { ...route, masquerade: true } },
    allowedSources: null,
    affinity: null,
    healthCheckPort: 0,
    scheduler: null,
    drainSeconds: null,
    publication: null,
    precedence: '',
  };
  return [service, [frontend]];
}

function changeOf(services: ReadonlyMap<ServiceKey, readonly Frontend[]>, complete: boolean): Change {
  const settings = {
    podTraffic: { kind: 'none' },
    nodePorts: { kind: 'all-local', loopback: false },
    masqueradeBit: 14,
    nodeAddress: null,
  } as const;
  return { settings, services, complete };
}

function asAddress(text: string): Address {
  const address = parseAddress(text);
  if (address === null) throw new TypeError(`not an address: ${text}`);
  return address;
}

function take<T>(
  outcome: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: { message: string } },
): T {
  if (!outcome.ok) throw new Error(outcome.problem.message);
  return outcome.value;
}

function check(report: ApplyReport): ApplyReport {
  const [failed] = report.failed.values();
  const problem = report.problem ?? failed;
  if (problem !== undefined) throw new Error(problem.message);
  return report;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

console.log(JSON.stringify(await runCase(Number(process.argv[2]), process.argv[3] === 'exec' ? 'exec' : 'netlink')));

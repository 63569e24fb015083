import { succeed } from '../model/mod.ts';
import type { ApplyReport, Clock, Family, Frontend, Problem } from '../model/mod.ts';
import { createFakeRoutes } from '../netlink/mod.ts';
import type { FakeRoutes, RoutePort } from '../netlink/mod.ts';
import { createIpvsDataPlane } from './data-plane.ts';
import type { IpvsDataPlane } from './data-plane.ts';
import { createFakeIpvs } from './fake.ts';
import type { FakeIpvs, FakeOptions } from './fake.ts';
import { createFakeSideRules } from './fake-side-rules.ts';
import type { FakeSideRules, SideFate } from './fake-side-rules.ts';
import { createFaultyIpvs } from './faulty.ts';
import { standardNumbers } from './settings.ts';
import type { IpvsNotice, IpvsOptions, SysctlPort } from './settings.ts';
import { frontendsOf, nodeAddress, serviceRange, settingsOf } from './wish.fixture.ts';
import type { Shape } from './wish.fixture.ts';

/** A clock that stands still until it is turned. */
export class HandClock implements Clock {
  #now = 1_000_000;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  now(): number {
    return this.#now;
  }

  get timers(): number {
    return this.#timers.size;
  }

  after(delay: number, callback: () => void): () => void {
    const timer = { at: this.#now + delay, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves on, calling each timer at its moment and letting what it started finish. */
  async turn(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    for (;;) {
      const next = [...this.#timers].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
      for (let round = 0; round < 5; round += 1) await new Promise((resolve) => setImmediate(resolve));
    }
    this.#now = end;
  }
}

export interface FakeSysctls extends SysctlPort {
  readonly values: Map<string, string>;
  readonly written: string[];
}

function createFakeSysctls(values: Readonly<Record<string, string>> = {}): FakeSysctls {
  const map = new Map(
    Object.entries({
      'net.ipv4.ip_forward': '1',
      'net.ipv6.conf.all.forwarding': '1',
      'net.ipv4.vs.conntrack': '0',
      'net.ipv4.vs.conn_reuse_mode': '1',
      'net.ipv4.vs.expire_nodest_conn': '0',
      'net.ipv4.vs.expire_quiescent_template': '0',
      'net.ipv4.conf.all.arp_ignore': '0',
      'net.ipv4.conf.all.arp_announce': '0',
      'net.ipv4.conf.all.route_localnet': '0',
      ...values,
    }),
  );
  const written: string[] = [];
  return {
    values: map,
    written,
    read: async (name) => map.get(name) ?? null,
    async write(name, value) {
      map.set(name, value);
      written.push(`${name}=${value}`);
      return succeed(undefined);
    },
  };
}

/** What outlives an agent: the kernel. */
export interface FakeNode {
  readonly servers: FakeIpvs;
  readonly side: FakeSideRules;
  readonly routes: FakeRoutes;
  readonly sysctls: FakeSysctls;
}

export interface Faults {
  readonly probability: number;
  readonly random: () => number;
}

/** One run of the data plane on a node. */
export interface World extends FakeNode {
  readonly plane: IpvsDataPlane;
  readonly clock: HandClock;
  readonly family: Family;
  readonly degraded: Problem[];
  readonly notices: IpvsNotice[];
  readonly rests: number[];
}

export function createNode(family: Family, options: FakeOptions & { readonly sideFate?: () => SideFate } = {}): FakeNode {
  const routes = createFakeRoutes(family);
  routes.addDevice('eth0');
  routes.addAddress({ address: nodeAddress(family), device: 'eth0', length: family === 'IPv4' ? 24 : 64, scope: 0 });
  return {
    servers: createFakeIpvs(family, options),
    side: createFakeSideRules(family, options.sideFate),
    routes,
    sysctls: createFakeSysctls(),
  };
}

/** Starts a data plane on a node, a new one if none is given. */
export function startWorld(
  family: Family,
  options: Partial<IpvsOptions> = {},
  node: FakeNode = createNode(family),
  faults: Faults | null = null,
): World {
  const clock = new HandClock();
  const degraded: Problem[] = [];
  const notices: IpvsNotice[] = [];
  const rests: number[] = [];
  const plane = createIpvsDataPlane({
    family,
    servers: faults === null ? node.servers : createFaultyIpvs(node.servers, faults),
    side: node.side,
    routes: faults === null ? node.routes : createFaultyRoutes(node.routes, faults),
    sysctls: node.sysctls,
    kernelRelease: '6.1.0-31-amd64',
    scheduler: 'rr',
    excludeCidrs: [],
    serviceCidrs: [serviceRange(family)],
    strictArp: false,
    timeouts: { tcp: 0, tcpFin: 0, udp: 0 },
    drainMs: 300_000,
    udpDrainMs: 0,
    drainPollMs: 1000,
    captureBit: 12,
    ...standardNumbers,
    echo: 'answer',
    strays: 'drop',
    clock,
    now: () => 0,
    pause: () => null,
    rest: async (milliseconds) => {
      rests.push(milliseconds);
    },
    degraded: (problem) => degraded.push(problem),
    report: (notice) => notices.push(notice),
    ...options,
  });
  return { ...node, plane, clock, family, degraded, notices, rests };
}

/** Calls fail outright, or are done and the answer is lost. */
function createFaultyRoutes(port: RoutePort, { probability, random }: Faults): RoutePort {
  const problem: Problem = { code: 'WP_NETLINK_FAKE', message: 'injected fault' };
  const change = async (call: () => ReturnType<RoutePort['changeRoutes']>): ReturnType<RoutePort['changeRoutes']> => {
    if (random() >= probability) return call();
    if (random() < 0.5) await call();
    return { ok: false, problem };
  };
  const read = async <T>(call: () => Promise<T>): Promise<T | { readonly ok: false; readonly problem: Problem }> =>
    random() < probability ? { ok: false, problem } : call();
  return {
    family: port.family,
    listRoutes: (table) => read(() => port.listRoutes(table)),
    changeRoutes: (add, remove) => change(() => port.changeRoutes(add, remove)),
    listRules: () => read(() => port.listRules()),
    changeRules: (add, remove) => change(() => port.changeRules(add, remove)),
    listAddresses: () => read(() => port.listAddresses()),
    close: () => port.close(),
  };
}

/** Applies the frontends of Services; an empty list removes one. */
export function applyFrontends(
  { plane, family }: World,
  services: Readonly<Record<string, readonly Frontend[]>>,
  complete = false,
): Promise<ApplyReport> {
  return plane.apply({ settings: settingsOf(family), services: new Map(Object.entries(services)), complete });
}

export function applyShapes(world: World, shapes: readonly Shape[], complete = false): Promise<ApplyReport> {
  const services = Object.fromEntries(shapes.map((shape) => [`ns/${shape.name}`, frontendsOf(shape, world.family)]));
  return applyFrontends(world, services, complete);
}

/** The whole kernel as text, the same for the same state. */
export async function dumpNode({ servers, side, routes }: FakeNode): Promise<string> {
  const listed = await routes.listRoutes(null);
  const rules = await routes.listRules();
  if (!listed.ok || !rules.ok) throw new Error('a fake without faults failed');
  const entries = [...side.entries].map(([key, entry]) => `${key} ${JSON.stringify(entry)}`).toSorted();
  const ways = [...listed.value, ...rules.value].map((one) => JSON.stringify(one)).toSorted();
  return [servers.dump(), ...entries, ...ways, JSON.stringify(side.settings)].join('\n');
}

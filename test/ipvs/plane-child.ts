import { release } from 'node:os';
import { createInterface } from 'node:readline';
import {
  createFaultyIpvs,
  createIpvsDataPlane,
  createIpvsNetlinkPort,
  createSysctlPort,
  standardNumbers,
} from '../../src/ipvs/mod.ts';
import type { IpvsDataPlane } from '../../src/ipvs/mod.ts';
import { frontendsOf, serviceRange, settingsOf } from '../../src/ipvs/wish.fixture.ts';
import type { Shape } from '../../src/ipvs/wish.fixture.ts';
import { families } from '../../src/model/mod.ts';
import type { ApplyReport, Family, Frontend, Outcome, ServiceKey } from '../../src/model/mod.ts';
import { createFaultyRoutes, openRoutePort } from '../../src/netlink/mod.ts';
import { createFaultyNftPort } from '../../src/nftables/faulty.ts';
import { createSideRules, openNetlinkNftPort } from '../../src/nftables/mod.ts';
import { systemClock } from '../../src/observe/mod.ts';
import { createRandom } from '../lifecycle/random.ts';

/**
 * The data planes of both families over the real drivers of netlink, in the namespace that this process is started in.
 * Arguments: the chance with which a call on the kernel fails, and the seed of the chances. An order is a line of JSON;
 * the answer is a line with its number and what came of it.
 */
export type PlaneOrder =
  /** Calls on the kernel fail no more. */
  | { readonly op: 'heal' }
  /** Services by their shapes; those in `gone` have no frontends any more. */
  | { readonly op: 'apply'; readonly shapes: readonly Shape[]; readonly gone: readonly string[]; readonly complete: boolean }
  | { readonly op: 'audit' }
  /** Until nothing drains. */
  | { readonly op: 'settle' };

/** Of both families. */
export interface PlaneAnswer {
  readonly problems: readonly string[];
  readonly operations: number;
}

const drainPollMs = 100;
const noPause = (): null => null;
const [probability = 0, seed = 0] = process.argv.slice(2).map(Number);
const chances = createRandom(seed);
let healed = false;
const random = (): number => (healed ? 1 : chances());

function must<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(outcome.problem.message);
  return outcome.value;
}

async function createPlane(family: Family): Promise<IpvsDataPlane> {
  const wrap = { probability, random };
  const nft = createFaultyNftPort(must(await openNetlinkNftPort({ pause: noPause })), wrap);
  return createIpvsDataPlane({
    family,
    servers: createFaultyIpvs(createIpvsNetlinkPort({ family, pause: noPause }), wrap),
    side: createSideRules({ family, port: nft, pause: noPause }),
    routes: createFaultyRoutes(must(await openRoutePort({ family, pause: noPause })), () => random() < probability),
    sysctls: createSysctlPort(),
    kernelRelease: release(),
    scheduler: 'rr',
    excludeCidrs: [],
    serviceCidrs: [serviceRange(family)],
    strictArp: false,
    timeouts: { tcp: 0, tcpFin: 0, udp: 0 },
    drainMs: 300_000,
    udpDrainMs: 0,
    drainPollMs,
    captureBit: 12,
    ...standardNumbers,
    echo: 'answer',
    strays: 'drop',
    clock: systemClock,
    now: () => performance.now(),
    pause: noPause,
    rest: async () => {},
    degraded: () => {},
    report: () => {},
  });
}

const planes = await Promise.all(families.map(createPlane));

async function obey(plane: IpvsDataPlane, order: PlaneOrder): Promise<ApplyReport | null> {
  switch (order.op) {
    case 'heal':
      healed = true;
      return null;
    case 'apply': {
      const { shapes, gone, complete } = order;
      const services = new Map<ServiceKey, readonly Frontend[]>(gone.map((name) => [`ns/${name}`, []]));
      for (const shape of shapes) services.set(`ns/${shape.name}`, frontendsOf(shape, plane.family));
      return plane.apply({ settings: settingsOf(plane.family), services, complete });
    }
    case 'audit':
      return plane.audit();
    case 'settle':
      while (plane.statistics().draining > 0) await new Promise((resolve) => setTimeout(resolve, drainPollMs));
      return null;
  }
}

function codesOf({ problem, failed }: ApplyReport): readonly string[] {
  return [problem, ...failed.values()].flatMap((one) => (one === null ? [] : [`${one.code} ${one.message}`]));
}

process.stdout.write('ready\n');
let number = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as PlaneOrder;
  const reports = (await Promise.all(planes.map((plane) => obey(plane, order)))).filter((report) => report !== null);
  number += 1;
  const answer: PlaneAnswer = {
    problems: reports.flatMap(codesOf),
    operations: reports.reduce((sum, { operations }) => sum + operations, 0),
  };
  process.stdout.write(`answer ${number} ${JSON.stringify(answer)}\n`);
}

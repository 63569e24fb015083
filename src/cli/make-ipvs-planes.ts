import { release } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { createShell } from '../iptables/mod.ts';
import type { Shell } from '../iptables/mod.ts';
import {
  createIpvsDataPlane,
  createIpvsExecPort,
  createIpvsNetlinkPort,
  createSysctlPort,
  routeProtocol,
  standardNumbers,
} from '../ipvs/mod.ts';
import type { IpvsDataPlane, IpvsPort, ToolResult } from '../ipvs/mod.ts';
import { succeed } from '../model/mod.ts';
import type { Family, Outcome } from '../model/mod.ts';
import { createRouteTool, openRoutePort } from '../netlink/mod.ts';
import type { RoutePort } from '../netlink/mod.ts';
import { createSideRules, sideTable } from '../nftables/mod.ts';
import { systemClock } from '../observe/mod.ts';
import { straysOf } from './make-data-planes.ts';
import type { DataPlaneOptions, DataPlanes } from './make-data-planes.ts';
import { openNft } from './open-nft.ts';
import { nameTables } from './watch-kernel.ts';

/** Between two looks at back ends that drain. */
const drainPollMs = 1000;
const toolSeconds = 120;
const mostOutput = 256 * 1024 * 1024;

/** Data planes of IPVS mode: virtual servers, routes, and side rules in an nftables table of their own. */
export async function makeIpvsPlanes(options: DataPlaneOptions): Promise<Outcome<DataPlanes>> {
  const made: { readonly plane: IpvsDataPlane; readonly close: () => Promise<void> }[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(made.map((one) => one.close()));
  };
  let version = '';
  for (const family of options.families) {
    const one = await makePlane(family, options);
    if (!one.ok) {
      await close();
      return one;
    }
    made.push(one.value);
    ({ version } = one.value);
  }
  return succeed({
    planes: made.map(({ plane }) => plane),
    notes: { ipvs: version, driver: options.config.ipvs.driver, nftablesDriver: options.config.nftablesDriver },
    ...(options.config.nftablesDriver === 'netlink' && options.config.ipvs.driver === 'netlink'
      ? { holdings: { tables: nameTables(sideTable), routes: routeProtocol } }
      : {}),
    adopted: () => made.flatMap(({ plane }) => plane.adopted()),
    close,
  });
}

interface Made {
  readonly plane: IpvsDataPlane;
  /** Of IPVS in the kernel. */
  readonly version: string;
  readonly close: () => Promise<void>;
}

async function makePlane(family: Family, options: DataPlaneOptions): Promise<Outcome<Made>> {
  const { config, pause, degraded, observe = () => {} } = options;
  // What was opened is closed again, last first, unless all of it could be.
  await using opened = new AsyncDisposableStack();
  const servers = makeServers(family, options, opened);
  const probed = await servers.probe(config.ipvs.scheduler);
  // A scheduler that the kernel lacks is what the data plane has an answer to.
  if (!probed.ok && probed.problem.code !== 'WP_IPVS_NO_SCHEDULER') return probed;
  const nft = await openNft(config.nftablesDriver, pause);
  if (!nft.ok) return nft;
  opened.defer(() => nft.value.close());
  const routes = await makeRoutes(family, options);
  if (!routes.ok) return routes;
  opened.defer(() => routes.value.close());
  const plane = createIpvsDataPlane({
    ...numbersOf(config),
    ...config.ipvs,
    family,
    servers,
    side: createSideRules({ family, port: nft.value, pause }),
    routes: routes.value,
    sysctls: createSysctlPort(),
    kernelRelease: release(),
    serviceCidrs: config.serviceCidrs,
    strays: straysOf(config.ingress),
    drainPollMs,
    clock: systemClock,
    now: () => performance.now(),
    pause,
    rest: async (milliseconds) => await sleep(milliseconds),
    degraded,
    report: observe,
  });
  opened.defer(() => plane.close());
  const kept = opened.move();
  return succeed({ plane, version: probed.ok ? probed.value.version : '', close: () => kept.disposeAsync() });
}

function numbersOf({ ingress }: DataPlaneOptions['config']): typeof standardNumbers {
  if (ingress === null) return standardNumbers;
  const { fwmark, routeTable, rulePriority } = ingress;
  return { marks: fwmark, routeTable, rulePriority };
}

function makeServers(family: Family, { config, pause }: DataPlaneOptions, opened: AsyncDisposableStack): IpvsPort {
  if (config.ipvs.driver === 'netlink') {
    const port = createIpvsNetlinkPort({ family, pause });
    opened.defer(() => port.close());
    return port;
  }
  const shell = createShell();
  opened.defer(() => shell.close());
  return createIpvsExecPort({ family, run: (argv, input) => runTool(shell, argv, input) });
}

/** A spawn from a process as large as this one blocks it: the resident shell does it. */
async function runTool(shell: Shell, argv: readonly string[], input: string): Promise<ToolResult> {
  const done = await shell.run({ argv, input: [input], timeoutSeconds: toolSeconds, maxOutputBytes: mostOutput });
  switch (done.kind) {
    case 'exit':
      return { status: done.status, stdout: done.stdout, stderr: done.stderr };
    case 'broken':
      return { status: null, stdout: '', stderr: done.message };
    case 'timeout':
      return { status: null, stdout: '', stderr: `it was ended after ${toolSeconds} s` };
    case 'too-big':
      return { status: null, stdout: '', stderr: `it printed more than ${mostOutput} bytes` };
    default:
      return done satisfies never;
  }
}

/** Routes follow the choice for virtual servers: who wants tools there has no use for netlink here. */
async function makeRoutes(family: Family, { config, pause }: DataPlaneOptions): Promise<Outcome<RoutePort>> {
  return config.ipvs.driver === 'netlink' ? openRoutePort({ family, pause }) : succeed(createRouteTool({ family }));
}

import { createFakeIpvs, createIpvsDataPlane, createServerStages, standardNumbers } from '../../src/ipvs/mod.ts';
import { families, parsePrefix, succeed } from '../../src/model/mod.ts';
import type { Family } from '../../src/model/mod.ts';
import { createFakeRoutes } from '../../src/netlink/mod.ts';
import type { FakeRoutes } from '../../src/netlink/mod.ts';
import { createFakeNftPort } from '../../src/nftables/fake.ts';
import { createSideRules, createTableStages } from '../../src/nftables/mod.ts';
import { createRouting } from '../../src/trace/mod.ts';
import type { TracedNode } from '../../src/trace/mod.ts';
import { ranges } from '../lab/addressing.ts';
import { deriveGroup } from './derive.ts';
import type { Group } from './flow.ts';
import { labRouting, openSysctls, packetOf, readWay, walkFlow } from './packet-walk.ts';
import type { FlowTracer } from './tracer.ts';

/** Answers flows from what the IPVS data plane makes of a group, by way of fake kernels. */
export async function traceIpvs(group: Group): Promise<FlowTracer> {
  const nodes = new Map<Family, TracedNode>();
  for (const family of families) nodes.set(family, await programGroup(group, family));
  return (flow) => {
    const node = nodes.get(flow.family);
    if (node === undefined) throw new Error(`nothing for ${flow.family}`);
    // Marks lead packets to servers: those of others are not kept.
    return walkFlow(node, flow, packetOf(flow, 0)).map((way) => readWay(flow, way, 0));
  };
}

async function programGroup(group: Group, family: Family): Promise<TracedNode> {
  const servers = createFakeIpvs(family);
  const nft = createFakeNftPort();
  const routes = makeRoutes(family);
  const plane = createIpvsDataPlane({
    family,
    servers,
    side: createSideRules({ family, port: nft, pause: () => null }),
    routes,
    sysctls: { read: async () => '1', write: async () => succeed(undefined) },
    kernelRelease: '6.1.0',
    scheduler: 'rr',
    excludeCidrs: [],
    serviceCidrs: [parsePrefix(ranges.services[family])].filter((prefix) => prefix !== null),
    strictArp: false,
    timeouts: { tcp: 0, tcpFin: 0, udp: 0 },
    drainMs: 300_000,
    udpDrainMs: 0,
    drainPollMs: 1000,
    captureBit: 12,
    ...standardNumbers,
    echo: 'answer',
    strays: 'drop',
    clock: { now: () => 0, after: () => () => undefined },
    now: () => 0,
    pause: () => null,
    rest: async () => undefined,
    degraded: ({ message }) => {
      throw new Error(message);
    },
    report: () => undefined,
  });
  const { problem, failed } = await plane.apply({ ...deriveGroup(group, family), complete: true });
  const refusals = [problem, ...failed.values()].filter((one) => one !== null);
  if (refusals.length > 0) throw new Error(refusals.map(({ message }) => message).join('; '));
  const [listed, ways, rules] = [await servers.list(), await routes.listRoutes(null), await routes.listRules()];
  const table = await nft.readTable(family === 'IPv4' ? 'ip' : 'ip6', 'waypost');
  if (!listed.ok || !ways.ok || !rules.ok || !table.ok || table.value === null) throw new Error('a fake without faults failed');
  const lab = labRouting(family);
  return {
    routing: createRouting({ ...lab, routes: [...lab.routes, ...ways.value], rules: rules.value }),
    stages: [...createTableStages(table.value, family), ...createServerStages(listed.value, family)],
    sysctls: openSysctls,
  };
}

/** A fake kernel with node1's devices and addresses; the routes that come with those it does not know. */
function makeRoutes(family: Family): FakeRoutes {
  const routes = createFakeRoutes(family);
  const lab = labRouting(family);
  for (const { device } of lab.routes) if (device !== null) routes.addDevice(device);
  for (const address of lab.addresses) routes.addAddress(address);
  return routes;
}

import { families, parsePrefix } from '../../src/model/mod.ts';
import type { Family } from '../../src/model/mod.ts';
import { createFakeNftPort, createNftablesDataPlane, createTableStages, shareGenerations } from '../../src/nftables/mod.ts';
import { createRouting } from '../../src/trace/mod.ts';
import type { TracedNode, TracedWay } from '../../src/trace/mod.ts';
import { ranges } from '../lab/addressing.ts';
import { deriveGroup } from './derive.ts';
import type { Flow, Group } from './flow.ts';
import { labRouting, openSysctls, walkFlow } from './packet-walk.ts';

/** All ways that a flow's first packet can go through the table of a group. */
export type TableTracer = (flow: Flow) => readonly TracedWay[];

/** Walks flows through the tables that the nftables data plane makes of a group, by way of a fake kernel. */
export async function traceNftables(group: Group): Promise<TableTracer> {
  const nodes = new Map<Family, TracedNode>();
  // oxlint-disable-next-line no-await-in-loop -- two families, no I/O
  for (const family of families) nodes.set(family, await programGroup(group, family));
  return (flow) => {
    const node = nodes.get(flow.family);
    if (node === undefined) throw new Error(`nothing for ${flow.family}`);
    return walkFlow(node, flow);
  };
}

async function programGroup(group: Group, family: Family): Promise<TracedNode> {
  const port = createFakeNftPort();
  const plane = createNftablesDataPlane({
    family,
    port,
    generations: shareGenerations(),
    serviceCidrs: [parsePrefix(ranges.services[family])].filter((prefix) => prefix !== null),
    strays: 'drop',
    pause: () => null,
    now: () => 0,
  });
  const { problem, failed } = await plane.apply({ ...deriveGroup(group, family, 'nftables'), complete: true });
  const refusals = [problem, ...failed.values()].filter((one) => one !== null);
  if (refusals.length > 0) throw new Error(refusals.map(({ message }) => message).join('; '));
  const table = await port.readTable(family === 'IPv4' ? 'ip' : 'ip6', 'kube-proxy');
  if (!table.ok || table.value === null) throw new Error('the fake kernel has no table');
  return {
    routing: createRouting(labRouting(family)),
    stages: createTableStages(table.value, family),
    sysctls: openSysctls,
  };
}

import {
  createFakeIptables,
  createFakeSets,
  createIptablesDataPlane,
  createRuleStages,
  tableNames,
} from '../../src/iptables/mod.ts';
import type { RulesetState } from '../../src/iptables/mod.ts';
import { families, succeed } from '../../src/model/mod.ts';
import type { Family } from '../../src/model/mod.ts';
import { createRouting } from '../../src/trace/mod.ts';
import type { TracedNode, TracedWay } from '../../src/trace/mod.ts';
import { deriveGroup } from './derive.ts';
import type { Flow, Group } from './flow.ts';
import { labRouting, openSysctls, walkFlow } from './packet-walk.ts';

/** All ways a flow's first packet can go through the rules of a group. */
export type RuleTracer = (flow: Flow) => readonly TracedWay[];

/** The rules that the iptables data plane makes of a group, by way of a fake kernel. */
export async function traceIptables(group: Group): Promise<RuleTracer> {
  const nodes = new Map<Family, TracedNode>();
  for (const family of families) {
    // oxlint-disable-next-line no-await-in-loop -- two families, no I/O
    const stages = createRuleStages(await programGroup(group, family), family);
    nodes.set(family, { routing: createRouting(labRouting(family)), stages, sysctls: openSysctls });
  }
  return (flow) => {
    const node = nodes.get(flow.family);
    if (node === undefined) throw new Error(`no rules for ${flow.family}`);
    return walkFlow(node, flow);
  };
}

async function programGroup(group: Group, family: Family): Promise<RulesetState> {
  const port = createFakeIptables(family);
  const plane = createIptablesDataPlane({
    family,
    port,
    looks: port,
    sets: createFakeSets(() => port.dump()),
    dropInvalid: true,
    strays: null,
    allowLoopbackRouting: () => succeed(undefined),
    degraded: ({ message }) => {
      throw new Error(message);
    },
    pause: () => null,
    now: () => 0,
  });
  const { problem, failed } = await plane.apply({ ...deriveGroup(group, family), complete: true });
  const refusals = [problem, ...failed.values()].filter((one) => one !== null);
  if (refusals.length > 0) throw new Error(refusals.map(({ message }) => message).join('; '));
  const saved = await port.save(tableNames);
  if (!saved.ok) throw new Error(saved.problem.message);
  return saved.value;
}

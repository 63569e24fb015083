import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeWhere } from '../lab/describe-lab.ts';
import { patient } from '../lab/patience.ts';
import { createLab, createTemporaryFolder, startWaypost, writeManifest } from '../lab/mod.ts';
import type { Lab } from '../lab/mod.ts';
import { flowsOf } from './flow.ts';
import type { Group } from './flow.ts';
import { reasonNotToTrace, reasonToSkip, runInLab, startBackends } from './lab-runner.ts';
import type { FlowResult } from './lab-runner.ts';
import { LabTracer } from './lab-trace.ts';
import { nodeObject } from './objects.ts';
import { packetTable } from './table.ts';
import { configOf } from './variant.ts';
import type { Variant } from './variant.ts';

for (const [reason, flows] of Map.groupBy(flowsOf(packetTable), reasonToSkip)) {
  if (reason !== null) process.stderr.write(`SKIPPED: ${flows.length} rows of the packet table with real packets: ${reason}\n`);
}

/** The packet table with the real agent and real packets. */
export function describePacketTable(variant: Variant): void {
  describeWhere(variant.capability, `the packet table with the real agent and real packets, ${variant.name}`, () => {
    let lab: Lab;
    let tracer: LabTracer;

    beforeAll(async () => {
      lab = await createLab();
      await variant.prepare(lab);
      tracer = await LabTracer.start(lab);
      await startBackends(lab, packetTable);
    });

    afterAll(async () => {
      await tracer?.[Symbol.asyncDispose]();
      await lab?.close();
    });

    describe.each(packetTable)('$name', (group) => {
      let results: Results;

      beforeAll(async () => {
        results = await runWithAgent({ lab, tracer }, group, variant);
      }, patient(90_000));

      // Rows that real packets cannot show are traced all the same.
      test(`waypost trace agrees with every row of ${group.name}`, () => {
        expect(results.traced.size).toBe(flowsOf([group], variant.mode).filter((flow) => reasonNotToTrace(flow) === null).length);
        const differing = [...results.traced].filter(([, problems]) => problems.length > 0);
        expect(Object.fromEntries(differing)).toEqual({});
      });

      const rows = flowsOf([group], variant.mode).map((flow) => {
        const skipped = reasonToSkip(flow);
        return { name: skipped === null ? flow.title : `${flow.title} [skipped: ${skipped}]`, title: flow.title, skipped };
      });

      test.for(rows)('$name', ({ title, skipped }, { skip }) => {
        if (skipped !== null) skip(skipped);
        expect(results.sent.get(title)?.problems).toEqual([]);
      });
    });
  });
}

interface Results {
  /** Real packets. */
  readonly sent: ReadonlyMap<string, FlowResult>;
  /** The same rows as `waypost trace` reads them out of the kernel: differences in words. */
  readonly traced: ReadonlyMap<string, readonly string[]>;
}

interface Stage {
  readonly lab: Lab;
  readonly tracer: LabTracer;
}

/** One life of the agent: from a folder of manifests to packets, and an orderly end. */
async function runWithAgent({ lab, tracer }: Stage, group: Group, variant: Variant): Promise<Results> {
  await using folder = await createTemporaryFolder('waypost-packets-');
  await writeManifest(folder.path, 'group.json', [nodeObject(), ...group.scenarios.flatMap(({ objects }) => objects)]);
  const agent = await startWaypost(lab.node1, {
    manifests: folder.path,
    config: { ...configOf(variant), ...group.config },
    flags: variant.flags,
  });
  // Rules stay from one group to the next; what conntrack remembers of the last one must not.
  await lab.flushConntrack();
  const traced = await tracer.trace(group, variant.mode);
  const results = await runInLab(lab, group, variant.mode);
  const code = await agent.stop();
  if (code !== 0) throw new Error(`the agent ended with ${code}:\n${agent.process.output}`);
  return { sent: new Map(results.map((result) => [result.flow.title, result])), traced };
}

import { expect, test } from 'vitest';
import { describeWhere } from '../lab/describe-lab.ts';
import { createLab, launcher } from '../lab/mod.ts';
import type { Lab } from '../lab/mod.ts';
import { createLiveCluster } from './live-cluster.ts';
import { ready, service, slices } from './objects.ts';
import { configOf } from './variant.ts';
import type { Variant } from './variant.ts';

/** A difference as `waypost diff` tells it, of IPv4. */
export interface ToldDifference {
  readonly action: 'add' | 'remove' | 'change';
  readonly service: string | null;
  readonly place: string;
  readonly held: unknown;
  readonly wanted: unknown;
}

/**
 * `waypost diff` beside the real agent. `meddle` changes what node1's kernel holds of the Service `default/web`
 * (10.96.0.20, ports 80 of TCP and UDP, back ends p1, p2 and q1), and says what is to be told of it.
 */
export function describeDiff(variant: Variant, meddle: (lab: Lab) => Promise<readonly ToldDifference[]>): void {
  describeWhere(variant.capability, `waypost diff, ${variant.name}`, () => {
    test('tells what somebody changed and nothing else, until the agent has put it right', async () => {
      await using lab = await createLab();
      await variant.prepare(lab);
      // No audit is to come in between.
      const calm = { [variant.mode]: { ...Object(configOf(variant)[variant.mode]), syncPeriod: '15m' } };
      await using cluster = await createLiveCluster(lab, { ...configOf(variant), ...calm }, variant.flags);
      const diff = (...args: string[]): ReturnType<Lab['node1']['exec']> => lab.node1.exec(launcher, ['diff', ...args]);
      const sticky = { sessionAffinity: 'ClientIP' };
      await cluster.put([
        service('web', 20, { type: 'NodePort' }).object,
        ...slices('web', [ready('p1'), ready('p2'), ready('q1')]),
        service('empty', 21, { type: 'LoadBalancer', external: true }).object,
        service('sticky', 22, { spec: sticky }).object,
        ...slices('sticky', [ready('p2'), ready('p3')]),
      ]);
      const nothing = { code: 0, stdout: 'No difference: the kernel holds what the agent asked of it.\n' };
      expect(await diff()).toMatchObject(nothing);

      const expected = await meddle(lab);
      const told = await diff('-o', 'json');
      const report = JSON.parse(told.stdout);
      expect([told.code, report.version, report.mode]).toEqual([1, 1, variant.mode]);
      expect(report.families).toMatchObject([
        { family: 'IPv4', problem: null, differences: expected, pending: [] },
        { family: 'IPv6', problem: null, differences: [], pending: [] },
      ]);
      const { code, stdout } = await diff();
      expect([code, stdout]).toEqual([1, expect.stringContaining(`\n${expected.length} differences and 0 pending Services: `)]);

      await cluster.restart();
      await cluster.settle();
      expect(await diff()).toMatchObject(nothing);
      await cluster.stop();
      expect(await diff()).toMatchObject({ code: 1, stderr: expect.stringContaining('no agent answers at') });
    });
  });
}

/** Runs a command that has to work in node1. */
export async function runTool(lab: Lab, tool: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await lab.node1.exec(tool, args);
  if (code !== 0) throw new Error(`${tool} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

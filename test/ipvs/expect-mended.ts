import assert from 'node:assert/strict';
import { pollUntil } from '../lab/mod.ts';
import type { Lab } from '../lab/mod.ts';
import type { LiveCluster } from '../packets/live-cluster.ts';
import type { ServiceUnderTest } from '../packets/objects.ts';
import { mustRun, target, verdictOf } from './tools.ts';

interface Stage {
  readonly lab: Lab;
  readonly cluster: LiveCluster;
  /** A Service with a load-balancer address. */
  readonly one: ServiceUnderTest;
}

/** Does each damage in node1's shell; it has to be told as repaired, and the Service to answer again by all of its addresses. */
export async function expectMended({ lab, cluster, one }: Stage, damages: readonly string[]): Promise<void> {
  const repairs = (): number => cluster.output.split('was repaired').length - 1;
  for (const damage of damages) {
    const before = repairs();
    // oxlint-disable-next-line no-await-in-loop -- one damage after the other
    await mustRun(lab.node1, 'sh', '-c', damage);
    // oxlint-disable-next-line no-await-in-loop
    await pollUntil(`the repair after ${damage}`, async () => (repairs() > before ? true : null), {
      explain: () => cluster.output,
    });
    // oxlint-disable-next-line no-await-in-loop
    const outside = await verdictOf(lab.outside, target(one.loadBalancerIp, 80));
    // oxlint-disable-next-line no-await-in-loop
    const inside = await verdictOf(lab.place('c1'), target(one.clusterIp, 80));
    assert.deepEqual([outside, inside], ['answered', 'answered'], damage);
  }
}

import { expect, test } from 'vitest';
import { describeWhere } from '../lab/describe-lab.ts';
import { createLab } from '../lab/mod.ts';
import { createLiveCluster } from '../packets/live-cluster.ts';
import type { ApiObject } from '../packets/flow.ts';
import { bothPorts, ready, service, slices } from '../packets/objects.ts';
import { configOf } from '../packets/variant.ts';
import { readKernel } from './tools.ts';
import { ipvsVariants, netlinkVariant } from './variants.ts';

/** One history of a cluster, step by step. */
const sticky = { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } } };
const ranges = { loadBalancerSourceRanges: ['192.0.2.0/24', '2001:db8:1::/64'] };
const history: readonly (readonly ApiObject[])[] = [
  [service('one', 1).object, ...slices('one', [ready('p1')])],
  [
    service('one', 1, { type: 'LoadBalancer', external: true, spec: ranges }).object,
    ...slices('one', [ready('p1'), ready('q1')]),
    service('two', 2, { type: 'NodePort', spec: sticky }).object,
    ...slices('two', [ready('p1'), ready('p2'), ready('q2')]),
    service('three', 3, { type: 'LoadBalancer', spec: { externalTrafficPolicy: 'Local' } }).object,
    ...slices('three', [ready('p3'), ready('q2')]),
    service('empty', 4, { type: 'NodePort' }).object,
  ],
  [
    service('one', 1, { type: 'LoadBalancer', annotations: { 'waypost.dev/scheduler': 'mh' } }).object,
    ...slices('one', [ready('q1'), ready('p2')]),
    service('two', 2, { spec: sticky }).object,
    ...slices('two', [ready('p2'), ready('q2')]),
    service('four', 5, { type: 'NodePort', ports: bothPorts(30_555) }).object,
    ...slices('four', [ready('p1'), ready('p2'), ready('p3')]),
  ],
];

describeWhere(netlinkVariant().capability, 'both ways to the kernel', () => {
  test('[IPVS-1] netlink and the tools lead to the same state in every step, as ipvsadm and nft print it', async () => {
    const states: string[][] = [];
    for (const variant of ipvsVariants) {
      await using lab = await createLab();
      // Drains would keep what only one of them had time to remove.
      await using cluster = await createLiveCluster(lab, configOf(variant), [...variant.flags, '--ipvs-drain-time', '0s']);
      const steps: string[] = [];
      for (const objects of history) {
        await cluster.put(objects);
        steps.push(await readKernel(lab));
      }
      states.push(steps);
    }
    const [byNetlink, byTools] = states;
    expect(byNetlink?.[1]).toContain('10.96.0.1:80');
    expect(byTools).toEqual(byNetlink);
  });
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import { families } from '../../src/model/mod.ts';
import type { DirectReturnMethod, Family } from '../../src/model/mod.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { createLab, listenOnAll } from '../lab/mod.ts';
import type { Lab } from '../lab/mod.ts';
import { backendsOf } from '../packets/live-cluster.ts';
import { ready, service, slices } from '../packets/objects.ts';
import type { ServiceUnderTest } from '../packets/objects.ts';
import { configOf } from '../packets/variant.ts';
import { kernelModule } from '../vm/host-kernel.ts';
import { fetchBulk, serveBulk } from './bulk.ts';
import { startCounting, stopCounting } from './counting.ts';
import type { Crossings } from './counting.ts';
import { mustRun, target } from './tools.ts';
import { createTwoNodes } from './two-nodes.ts';
import type { TwoNodes } from './two-nodes.ts';
import { netlinkVariant } from './variants.ts';

const variant = netlinkVariant();
const methods: readonly DirectReturnMethod[] = (await kernelModule('fou')) ? ['dr', 'ipip', 'gue'] : ['dr', 'ipip'];
const flagsFor = (method: DirectReturnMethod): readonly string[] => [
  ...variant.flags,
  '--ingress-enabled=true',
  '--ingress-dsr-enabled=true',
  '--ingress-dsr-method',
  method,
];
const bulkPort = 9000;
const megabyte = 1024 * 1024;

function published(name: string, n: number, port = 80): ServiceUnderTest {
  return service(name, n, {
    type: 'LoadBalancer',
    ports: [{ name: 'tcp', protocol: 'TCP', port }],
    annotations: { 'waypost.dev/ingress-mode': 'dsr' },
    spec: { loadBalancerClass: 'waypost.dev/ingress' },
  });
}

describeWhere(variant.capability, 'direct return between two nodes, with real packets', () => {
  let lab: Lab;
  let cluster: TwoNodes;

  beforeAll(async () => {
    lab = await createLab();
    await Promise.all(['p1', 'p2', 'q1', 'q2'].map((name) => lab.place(name).listen(listenOnAll([8080]))));
    await serveBulk(lab.place('q1'), bulkPort, megabyte);
    await mustRun(lab.node1, 'modprobe', 'ip_vs');
    cluster = await createTwoNodes(lab);
  });

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await lab?.close();
  });

  /** What both nodes see of an address while something happens. */
  async function countBoth(
    one: ServiceUnderTest,
    family: Family,
    during: () => Promise<void>,
  ): Promise<{ readonly first: Crossings; readonly second: Crossings }> {
    const address = one.loadBalancerIp.addresses[family] ?? '';
    await Promise.all(cluster.nodes.map((node) => startCounting(node, family, address)));
    await during();
    const [first, second] = [await stopCounting(lab.node1, family), await stopCounting(lab.node2, family)];
    return { first, second };
  }

  for (const method of methods) {
    test(`${method}: is what both nodes are set to`, async () => {
      await cluster.switchTo({ config: configOf(variant), flags: flagsFor(method) });
    });

    test(`${method}: the other node answers the client by itself`, async () => {
      const one = published(`far-${method}`, 1);
      await cluster.put([one.object, ...slices(one.name, [ready('q1')])]);
      for (const family of families) {
        const { first, second } = await countBoth(one, family, async () => {
          const attempts = await lab.outside.connect(target(one.loadBalancerIp, 80, family), 4);
          for (const { verdict, answer } of attempts)
            expect([family, verdict, answer?.backend, answer?.source]).toEqual([
              family,
              'answered',
              'q1',
              lab.outside.addresses[family],
            ]);
        });
        expect(first.requests).toBeGreaterThanOrEqual(4 * 2);
        expect(first.replies).toBe(0);
        expect(second.replies).toBeGreaterThanOrEqual(4 * 2);
        expect([second.sentOn, second.tunnelsOut]).toEqual([0, 0]);
        if (method === 'dr') expect([first.sentOn, first.tunnelsOut]).toEqual([first.requests, 0]);
        else expect([first.sentOn, first.tunnelsOut, second.unpacked]).toEqual([0, first.requests, first.requests]);
      }
    });

    test(`${method}: back ends of both nodes serve, and nothing is sent on twice`, async () => {
      const one = published(`both-${method}`, 2);
      await cluster.put([one.object, ...slices(one.name, [ready('p1'), ready('q1'), ready('q2')])]);
      for (const family of families) {
        const { second } = await countBoth(one, family, async () => {
          const names = backendsOf(await lab.outside.connect(target(one.loadBalancerIp, 80, family), 24));
          expect(new Set(names)).toEqual(new Set(['p1', 'q1', 'q2']));
        });
        expect([second.sentOn, second.tunnelsOut]).toEqual([0, 0]);
      }
    });

    test(`${method}: much data goes both ways`, async () => {
      const one = published(`bulk-${method}`, 3, bulkPort);
      const ports = [{ name: 'tcp', protocol: 'TCP', port: bulkPort }] as const;
      await cluster.put([one.object, ...slices(one.name, [ready('q1')], { ports })]);
      for (const family of families) {
        const address = one.loadBalancerIp.addresses[family] ?? '';
        const { first } = await countBoth(one, family, async () => {
          expect([family, await fetchBulk(lab.outside, address, bulkPort, megabyte)]).toEqual([family, megabyte]);
        });
        expect(first.replies).toBe(0);
      }
    });
  }
});

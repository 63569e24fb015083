import { afterAll, beforeAll, expect, test } from 'vitest';
import { clusterAddress, dnsObjects, nodeLocal, startAgent, trackedQuestions, whoAnswers } from '../dns/intercept-lab.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { createLab, kernelFamilies, listenOnAll } from '../lab/mod.ts';
import type { Lab } from '../lab/mod.ts';
import { createLiveCluster } from '../packets/live-cluster.ts';
import type { LiveCluster } from '../packets/live-cluster.ts';
import { configOf } from '../packets/variant.ts';
import { mustRun } from './tools.ts';
import { netlinkVariant } from './variants.ts';

const variant = netlinkVariant();

describeWhere(variant.capability, 'questions to the cluster DNS are taken by the node before IPVS sees them', () => {
  let lab: Lab;
  let cluster: LiveCluster;

  beforeAll(async () => {
    lab = await createLab({ podsOnNode1: ['c1', 'p1'], podsOnNode2: ['q1'] });
    await lab.place('p1').listen(listenOnAll([8080]), 'endpoint');
    cluster = await createLiveCluster(lab, configOf(variant), variant.flags);
    await cluster.put(dnsObjects);
  });

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await lab?.close();
  });

  test('[DNS-123][DNS-124] pods and the node ask the resolver untracked, and after kill -9 the endpoints, at once', async () => {
    const places = [lab.place('c1'), lab.node1];
    const askAll = async (): Promise<ReadonlySet<string>> => {
      const answers = new Set<string>();
      for (const family of kernelFamilies())
        for (const protocol of ['UDP', 'TCP'] as const)
          for (const place of places) answers.add(await whoAnswers(place, family, protocol));
      return answers;
    };
    expect(await askAll()).toEqual(new Set(['endpoint']));

    const resolver = await startAgent(lab, 'resolver');
    await lab.flushConntrack();
    expect(await askAll()).toEqual(new Set(['resolver']));
    for (const place of places) expect(await whoAnswers(place, 'IPv4', 'UDP', { address: nodeLocal.IPv4 })).toBe('resolver');
    expect(await trackedQuestions(lab)).toEqual([]);
    // The addresses are local by the data plane's routes, which stay the only ones.
    const routes = await mustRun(lab.node1, 'ip', 'route', 'show', 'table', 'local', 'proto', '88');
    expect(routes).toContain(nodeLocal.IPv4);
    expect(routes).not.toContain(clusterAddress('IPv4'));

    await resolver.kill();
    expect(await askAll()).toEqual(new Set(['endpoint']));
  });
});

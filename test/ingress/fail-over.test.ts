import { afterEach, beforeEach, expect, test } from 'vitest';
import { describeWhere } from '../lab/describe-lab.ts';
import { nodeNames } from '../lab/addressing.ts';
import { canMakeNamespaces, kernelFamilies, launcher, pollUntil } from '../lab/mod.ts';
import type { Place } from '../lab/mod.ts';
import { run } from './announce-stage.ts';
import { askThrough, findStrays, moveAway, noStrays, startBoth } from './fail-over-checks.ts';
import { FailOverStage, publishedService, routedVip, vip } from './fail-over-stage.ts';

const families = kernelFamilies();
describeWhere(await canMakeNamespaces(), 'announced addresses in iptables mode, with two agents', () => {
  let stage: FailOverStage;

  beforeEach(async () => {
    stage = await FailOverStage.build({ config: { mode: 'iptables' }, flags: [] });
  });

  afterEach(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  test.each(families)(
    '[INGRESS-49] %s: an agent that is killed is followed when its Lease is up, one that ends in order at once',
    async (family) => {
      stage.publish(['p1', 'p2', 'q1', 'q2']);
      await startBoth(stage);
      const owners = await stage.owners();
      const { owner } = await moveAway(stage, family, 'killed', (node) => stage.kill(node));
      await stage.start(owner);
      await stage.untilAgreed(owners);
      const { heir } = await moveAway(stage, family, 'stopped', (node) => stage.stop(node));
      expect(await stage.servedThrough(family)).toBe(heir);
    },
  );

  test('[INGRESS-49] who answers is told by the agents and on the Service', async () => {
    stage.publish(['p1']);
    await startBoth(stage);
    const owner = await stage.untilServed('IPv4');
    const name = nodeNames[owner.name];
    for (const node of stage.nodes) {
      const printed = await run(node, launcher, ['ingress']);
      expect(printed).toMatch(new RegExp(`ANNOUNCED +NODE +SINCE +STATE\n192\\.0\\.2\\.50 +${name} +\\S+ +answers\n`));
    }
    const told = await pollUntil('an Event', async () => {
      const events = stage.cluster.server.history.list('events').filter((event) => event['reason'] === 'Announced');
      return events.find((event) => String(event['note']).startsWith(vip.IPv4)) ?? null;
    });
    expect(told).toMatchObject({
      type: 'Normal',
      note: `${vip.IPv4} is announced by node ${name}`,
      regarding: { name: 'announced' },
    });
  });

  test('[INGRESS-49] a node that dies, cable and all, is followed', async () => {
    const podsOf = (node: Place): readonly string[] => (node === stage.lab.node1 ? ['p1', 'p2'] : ['q1', 'q2']);
    const [family = 'IPv4'] = families;
    stage.publish(['p1', 'p2', 'q1', 'q2']);
    await startBoth(stage);
    const owner = await stage.untilServed(family);
    // Back ends of a dead node stay in EndpointSlices for as long as the cluster takes to see it.
    stage.publish(podsOf(stage.other(owner)));
    const { heir } = await moveAway(stage, family, 'dead', async () => {
      await run(owner, 'ip', ['link', 'set', 'eth0', 'down']);
      await stage.kill(owner);
    });
    expect(heir).toBe(stage.other(owner));
  });

  test('[INGRESS-6] what nothing takes of an announced address is sent nowhere, and other packets are sent on', async () => {
    stage.publish(['p1']);
    await startBoth(stage);
    expect(await findStrays(stage)).toEqual(noStrays);
  });

  test('[INGRESS-1] the same Service answers through every node', async () => {
    stage.cluster.put(...publishedService('routed', routedVip, ['p1', 'q1']));
    for (const node of stage.nodes) await stage.start(node);
    for (const node of stage.nodes)
      for (const family of families) {
        const seen = ['p1', 'q1'].map((pod) => `${pod} sees ${node.addresses[family]}`);
        expect(await askThrough(stage, node, family)).toEqual(seen);
      }
  });

  test('a Service that does not ask for it is not announced, and where announcing is off none is', async () => {
    stage.cluster.put(...publishedService('silent', vip, ['p1']));
    for (const node of stage.nodes) await stage.start(node);
    expect((await stage.connect('IPv4'))?.answer ?? null).toBeNull();
    for (const node of stage.nodes) expect(await stage.announced(node)).toEqual([]);
    stage.publish(['p1']);
    const [one, other] = stage.nodes;
    await stage.stop(one);
    await stage.start(one, ['--ingress-announce-enabled=false']);
    await stage.untilServed('IPv4', other);
    await stage.stop(other);
    await run(stage.lab.outside, 'ip', ['neigh', 'flush', 'dev', 'eth0']);
    expect((await stage.connect('IPv4'))?.answer ?? null).toBeNull();
  });
});

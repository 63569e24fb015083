import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Family } from '../../src/model/mod.ts';
import { kernelFamilies, pollUntil } from '../lab/mod.ts';
import type { Place } from '../lab/mod.ts';
import { run } from './announce-stage.ts';
import { FailOverStage, leaseMs, publishedService, routedVip, sentBy, vip } from './fail-over-stage.ts';
import type { StageOptions } from './fail-over-stage.ts';

/** What clients may wait after a Lease is up: a watch, an election, a greeting. */
const moveMs = 2000;

/** What holds of announced addresses in every mode that publishes. */
export function describeFailOver(options: StageOptions, more: (stage: () => FailOverStage) => void = () => {}): void {
  const families = kernelFamilies();
  let stage: FailOverStage;

  beforeEach(async () => {
    stage = await FailOverStage.build(options);
  });

  afterEach(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  async function startBoth(): Promise<void> {
    for (const node of stage.nodes) await stage.start(node);
    await stage.untilAgreed();
  }

  /** How long it takes from the end of a node's agent until new connections go through another node. */
  async function measure(
    what: string,
    end: () => Promise<void>,
    family: Family,
    through: Place,
    timeoutMs: number,
  ): Promise<void> {
    const begun = performance.now();
    const ended = end();
    await stage.untilServed(family, through, timeoutMs);
    console.log(`${what}, ${family}: new connections through ${through.name} after ${Math.round(performance.now() - begun)} ms`);
    await ended;
  }

  test('[INGRESS-49] a node that dies is followed when its Lease is up, one that ends in order at once', async () => {
    stage.publish(['p1', 'p2', 'q1', 'q2']);
    await startBoth();
    for (const family of families) {
      const owner = await stage.untilServed(family);
      await measure(`killed, Lease of ${leaseMs} ms`, () => stage.kill(owner), family, stage.other(owner), leaseMs + moveMs);
      await stage.start(owner);
      await stage.untilAgreed();
    }
    for (const family of families) {
      const owner = await stage.untilServed(family);
      await measure('ended in order', () => stage.stop(owner), family, stage.other(owner), moveMs);
      await stage.start(owner);
      await stage.untilAgreed();
    }
  });

  test('[INGRESS-49] a node that dies, cable and all, is followed', async () => {
    const [one, other] = stage.nodes;
    const podsOf = (node: Place): readonly string[] => (node === one ? ['p1', 'p2'] : ['q1', 'q2']);
    const family = families[0] ?? 'IPv4';
    stage.publish([...podsOf(one), ...podsOf(other)]);
    await startBoth();
    const owner = await stage.untilServed(family);
    // Back ends of a dead node stay in EndpointSlices for as long as the cluster takes to see it.
    stage.publish(podsOf(stage.other(owner)));
    const die = async (): Promise<void> => {
      await run(owner, 'ip', ['link', 'set', 'eth0', 'down']);
      await stage.kill(owner);
    };
    await measure(`dead, Lease of ${leaseMs} ms`, die, family, stage.other(owner), leaseMs + moveMs);
  });

  test('[INGRESS-6] what nothing takes of an announced address is sent nowhere, and other packets are sent on', async () => {
    stage.publish(['p1']);
    await startBoth();
    const attempts = 40;
    for (const family of families) {
      const owner = await stage.untilServed(family);
      const sent = async (): Promise<number> => (await sentBy(owner, 'lo')) + (await sentBy(owner, 'eth0'));
      const before = await sent();
      const tried = await stage.lab.outside.connect(stage.target(family, { protocol: 'UDP', port: 2222 }), attempts);
      expect(tried.map(({ verdict }) => verdict)).toEqual(tried.map(() => 'timeout'));
      // One that goes round passes until its time to live is used up; the agent needs some packets meanwhile.
      expect((await sent()) - before).toBeLessThan(attempts * 20);
      const pod = stage.lab.place(owner === stage.lab.node1 ? 'p2' : 'q2');
      const through = await stage.connect(family, { destination: pod.addresses[family], port: 8080 });
      expect(through?.answer?.backend).toBe(pod.name);
    }
  });

  test('[INGRESS-1] the same Service answers through every node', async () => {
    stage.cluster.put(...publishedService('routed', routedVip, ['p1', 'q1']));
    for (const node of stage.nodes) await stage.start(node);
    for (const node of stage.nodes)
      for (const family of families) {
        const path = ['route', 'replace', routedVip[family], 'via', node.addresses[family]];
        await run(stage.lab.outside, 'ip', [family === 'IPv4' ? '-4' : '-6', ...path]);
        const seen = new Set<string | undefined>();
        await pollUntil(`both back ends through ${node.name}`, async () => {
          const attempt = await stage.connect(family, { destination: routedVip[family] });
          if (attempt?.answer !== null) expect(attempt?.answer.source).toBe(node.addresses[family]);
          seen.add(attempt?.answer?.backend);
          return seen.has('p1') && seen.has('q1') ? true : null;
        });
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
    expect((await stage.connect('IPv4', { sourcePort: 40_001 }))?.answer ?? null).toBeNull();
  });

  more(() => stage);
}

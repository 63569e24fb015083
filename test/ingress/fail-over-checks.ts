import { expect } from 'vitest';
import type { Family } from '../../src/model/mod.ts';
import { kernelFamilies, pollUntil } from '../lab/mod.ts';
import type { Place } from '../lab/mod.ts';
import { run } from './announce-stage.ts';
import { leaseMs, publishedService, routedVip, sentBy } from './fail-over-stage.ts';
import type { FailOverStage } from './fail-over-stage.ts';

const families = kernelFamilies();

/** What clients may wait after a Lease is up: a watch, an election, a greeting. */
const moveMs = 2000;

/** What the end of an agent is called, and how long clients may wait for another node. */
export const ends = {
  killed: { text: `killed, Lease of ${leaseMs} ms`, timeoutMs: leaseMs + moveMs },
  stopped: { text: 'ended in order', timeoutMs: moveMs },
  dead: { text: `dead, Lease of ${leaseMs} ms`, timeoutMs: leaseMs + moveMs },
} as const;

export async function startBoth(stage: FailOverStage): Promise<void> {
  for (const node of stage.nodes) await stage.start(node);
  await stage.untilAgreed();
}

/** Ends the agent of the node that answers now; new connections have to go through the other one, in time. */
export async function checkMove(
  stage: FailOverStage,
  family: Family,
  kind: keyof typeof ends,
  end: (owner: Place) => Promise<void>,
): Promise<Place> {
  const owner = await stage.untilServed(family);
  const other = stage.other(owner);
  const begun = performance.now();
  const ended = end(owner);
  await stage.untilServed(family, other, ends[kind].timeoutMs);
  const took = Math.round(performance.now() - begun);
  console.log(`${ends[kind].text}, ${family}: new connections through ${other.name} after ${took} ms`);
  await ended;
  return owner;
}

/** Packets to announced addresses that nothing takes go nowhere; packets to others are sent on. */
export async function checkStrays(stage: FailOverStage): Promise<void> {
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
}

/** One Service, asked through each node by the client's route. */
export async function checkEveryNode(stage: FailOverStage): Promise<void> {
  stage.cluster.put(...publishedService('routed', routedVip, ['p1', 'q1']));
  for (const node of stage.nodes)
    for (const family of families) {
      const path = ['route', 'replace', routedVip[family], 'via', node.addresses[family]];
      await run(stage.lab.outside, 'ip', [family === 'IPv4' ? '-4' : '-6', ...path]);
      const seen = new Set<string | undefined>();
      await pollUntil(
        `both back ends through ${node.name}`,
        async () => {
          const answer = (await stage.connect(family, { destination: routedVip[family] }))?.answer ?? null;
          if (answer !== null) expect(answer.source).toBe(node.addresses[family]);
          seen.add(answer?.backend);
          return seen.has('p1') && seen.has('q1') ? true : null;
        },
        { explain: () => stage.outputOf(node) },
      );
    }
}

import type { Family } from '../../src/model/mod.ts';
import { kernelFamilies, pollUntil } from '../lab/mod.ts';
import type { Place } from '../lab/mod.ts';
import { run } from './announce-stage.ts';
import { leaseMs, routedVip, sentBy } from './fail-over-stage.ts';
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

/** Ends the agent of the node that answers now; new connections have to go through the other one, in time. Gives both. */
export async function moveAway(
  stage: FailOverStage,
  family: Family,
  kind: keyof typeof ends,
  end: (owner: Place) => Promise<void>,
): Promise<{ readonly owner: Place; readonly heir: Place }> {
  const owner = await stage.untilServed(family);
  const other = stage.other(owner);
  const begun = performance.now();
  const ended = end(owner);
  await stage.untilServed(family, other, ends[kind].timeoutMs);
  const took = Math.round(performance.now() - begun);
  console.log(`${ends[kind].text}, ${family}: new connections through ${other.name} after ${took} ms`);
  await ended;
  return { owner, heir: other };
}

/** What becomes of packets to ports of an announced address that nothing takes, and to an address that is nobody's. */
export interface StrayFate {
  readonly family: Family;
  readonly verdicts: readonly string[];
  /** They go round, on loopback or between the node and its router, until their time to live is used up. */
  readonly circle: boolean;
  /** Packets to other addresses are sent on. */
  readonly forwards: boolean;
}

export const noStrays: readonly StrayFate[] = families.map((family) => {
  return { family, verdicts: ['timeout'], circle: false, forwards: true };
});

export async function findStrays(stage: FailOverStage): Promise<readonly StrayFate[]> {
  const attempts = 40;
  const fates: StrayFate[] = [];
  for (const family of families) {
    const owner = await stage.untilServed(family);
    const sent = async (): Promise<number> => (await sentBy(owner, 'lo')) + (await sentBy(owner, 'eth0'));
    const before = await sent();
    const tried = await stage.lab.outside.connect(stage.target(family, { protocol: 'UDP', port: 2222 }), attempts);
    // The agent needs some packets meanwhile.
    const circle = (await sent()) - before > attempts * 20;
    const pod = stage.lab.place(owner === stage.lab.node1 ? 'p2' : 'q2');
    const through = await stage.connect(family, { destination: pod.addresses[family], port: 8080 });
    const verdicts = [...new Set(tried.map(({ verdict }) => verdict))];
    fates.push({ family, verdicts, circle, forwards: through?.answer?.backend === pod.name });
  }
  return fates;
}

/** Which back ends of one Service answer through a node, and what source they see, asked by the client's route. */
export async function askThrough(stage: FailOverStage, node: Place, family: Family): Promise<readonly string[]> {
  const path = ['route', 'replace', routedVip[family], 'via', node.addresses[family]];
  await run(stage.lab.outside, 'ip', [family === 'IPv4' ? '-4' : '-6', ...path]);
  const seen = new Set<string>();
  await pollUntil(
    `two back ends through ${node.name}`,
    async () => {
      const answer = (await stage.connect(family, { destination: routedVip[family] }))?.answer ?? null;
      if (answer !== null) seen.add(`${answer.backend} sees ${answer.source}`);
      return seen.size > 1 ? true : null;
    },
    { explain: () => stage.outputOf(node) },
  );
  return [...seen].toSorted();
}

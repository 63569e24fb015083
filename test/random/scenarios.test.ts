import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { config, edit, firstNode, opening } from './arbitrary.ts';
import { applyEdit, slots, nameOf } from './cluster.ts';
import type { Cluster, Edit } from './cluster.ts';
import { compare } from './compare.ts';
import { nodeName } from './hosts.ts';
import { makeProbes } from './probes.ts';
import { expectVerdict } from './reference.ts';
import type { Mode, RawConfig } from './reference.ts';
import { Subject } from './subject.ts';

/** Another seed, or more steps, for a longer search: `WAYPOST_RANDOM_SEED=7 WAYPOST_RANDOM_STEPS=100000`. */
const seed = Number(process.env['WAYPOST_RANDOM_SEED'] ?? 20_260_101);
const steps = Number(process.env['WAYPOST_RANDOM_STEPS'] ?? 10_000);
const stepsPerScenario = 100;
/** Those that set the stage count as well. */
const openingSteps = slots.length * 4;

const tallies: Readonly<Record<Mode, { steps: number; packets: number; verdicts: Map<string, number> }>> = {
  iptables: { steps: 0, packets: 0, verdicts: new Map() },
  nftables: { steps: 0, packets: 0, verdicts: new Map() },
};

/** The node's kernel has ipset, or affinity falls back to what iptables alone can do. */
const scenarios = fc.record({
  configuration: config,
  withSets: fc.boolean(),
  edits: fc
    .tuple(opening, fc.array(edit, { minLength: stepsPerScenario - openingSteps, maxLength: stepsPerScenario - openingSteps }))
    .map((parts) => [...parts.flat().entries()]),
});

interface Scenario {
  readonly mode: Mode;
  readonly configuration: RawConfig;
  readonly withSets: boolean;
  /** With the turn of each, which decides what is sampled after it. */
  readonly edits: readonly (readonly [number, Edit])[];
}

/** What the walk in iptables mode met of intake and endpoint choice need not be met again. */
const modes = [
  ['iptables', steps],
  ['nftables', Math.ceil(steps / 5)],
] as const;

describe.each(modes)('random clusters and edits in %s mode', (mode, edits) => {
  const tally = tallies[mode];

  test(`[SP-38] [SP-39] [SP-96] the rules agree with the reference model after each of ${edits} edits`, async () => {
    const numRuns = Math.ceil(edits / stepsPerScenario);
    for (const one of fc.sample(scenarios, { seed, numRuns })) {
      const scenario = { mode, ...one };
      const found = await walk(scenario);
      if (found !== null) throw new Error(await explain(scenario, found));
    }
    process.stdout.write(
      `random scenarios: ${tally.steps} edits, ${tally.packets} packets: ${JSON.stringify(Object.fromEntries(tally.verdicts))}\n`,
    );
    expect(tally.steps).toBeGreaterThanOrEqual(edits);
  }, 600_000);

  test('the walk met every verdict often, and little that the specification leaves open', () => {
    for (const verdict of ['sent', 'refused', 'dropped', 'untouched']) {
      expect([verdict, (tally.verdicts.get(verdict) ?? 0) > tally.packets / 100]).toEqual([verdict, true]);
    }
    expect(tally.verdicts.get('open') ?? 0).toBeLessThan(tally.packets / 10);
  });
});

/** A difference, and how many edits it took. */
interface Difference {
  readonly after: number;
  readonly text: string;
}

/** One life of a node: edits one by one, and after each a comparison. Null where nothing ever differed. */
async function walk({ mode, configuration, withSets, edits }: Scenario): Promise<Difference | null> {
  let cluster: Cluster = { services: new Map(), slices: new Map(), node: firstNode, interfaces: [] };
  const subject = new Subject(configuration, { mode, withSets });
  await subject.follow(cluster);
  for (const [at, [turn, one]] of edits.entries()) {
    const before = cluster;
    cluster = applyEdit(before, one);
    await subject.follow(cluster);
    tallies[mode].steps += 1;
    const text = inspect(subject, { mode, configuration }, { before, after: cluster, edit: one, turn });
    if (text !== null) return { after: at + 1, text };
  }
  const fresh = new Subject(configuration, { mode, withSets });
  await fresh.follow(cluster);
  const lines = diffLines(subject.dumps(), fresh.dumps());
  return lines.length === 0 ? null : { after: edits.length, text: lines.join('\n') };
}

/** The lines that only one of two lives left in the kernels. */
function diffLines(grown: readonly string[], built: readonly string[]): string[] {
  // The chain shared with kubelet is added where loopback node ports are served, and never removed.
  const own = (line: string): boolean => !line.includes('KUBE-FIREWALL');
  const [before, after] = [grown, built].map((dumps) => dumps.join('\n').split('\n').filter(own));
  if (before === undefined || after === undefined || before.join('\n') === after.join('\n')) return [];
  return [
    'a fresh start gives other rules:',
    ...before.filter((line) => !after.includes(line)).map((line) => `only grown: ${line}`),
    ...after.filter((line) => !before.includes(line)).map((line) => `only fresh: ${line}`),
  ];
}

/** The same difference from as few edits as leaving out one after the other can give. */
async function explain(scenario: Scenario, found: Difference): Promise<string> {
  let least = scenario.edits.slice(0, found.after);
  let { text } = found;
  for (let at = least.length - 1; at >= 0; at -= 1) {
    const fewer = least.toSpliced(at, 1);
    const difference = await walk({ ...scenario, edits: fewer });
    if (difference === null) continue;
    least = fewer.slice(0, difference.after);
    at = Math.min(at, least.length);
    ({ text } = difference);
  }
  const { mode, configuration, withSets } = scenario;
  return [text, JSON.stringify({ seed, mode, configuration, withSets }), ...least.map((one) => JSON.stringify(one))].join('\n');
}

interface Step {
  readonly before: Cluster;
  readonly after: Cluster;
  readonly edit: Edit;
  readonly turn: number;
}

function inspect(subject: Subject, { mode, configuration }: Pick<Scenario, 'mode' | 'configuration'>, step: Step): string | null {
  const tally = tallies[mode];
  const sampled = step.turn % 2 === 0 ? [nameOf((step.turn >> 1) % slots.length).key] : [];
  const keys = new Set([...touchedBy(step), ...sampled]);
  for (const packet of makeProbes(step.before, step.after, keys, step.turn)) {
    const expected = expectVerdict(mode, step.after, configuration, packet);
    tally.packets += 1;
    tally.verdicts.set(expected.verdict, (tally.verdicts.get(expected.verdict) ?? 0) + 1);
    const ways = subject.trace(packet);
    const problems = compare((address) => mode !== 'nftables' || isOfThisNode(step.after, address), expected, packet, ways);
    if (problems.length === 0) continue;
    return [
      ...problems,
      `packet ${JSON.stringify(packet)}`,
      `expected ${JSON.stringify(expected)}`,
      ...ways.flatMap((way) => [
        `way ${way.end} with ${way.probability}`,
        ...way.steps.map(({ place, text }) => `${place} ${text}`),
      ]),
    ].join('\n');
  }
  return null;
}

/** 3.7: in nftables mode an endpoint is masqueraded to itself where its slices say that it is on this node. */
function isOfThisNode({ slices }: Cluster, address: string): boolean {
  const endpoints = [...slices.values()].flatMap((slice) => slice.endpoints);
  const named = endpoints.filter(({ addresses }) => addresses.includes(address));
  return named.length > 0 && named.every((endpoint) => endpoint.nodeName === nodeName);
}

/** The Services an edit may concern. */
function touchedBy({ before, after, edit: one }: Step): Iterable<string> {
  if (!('slot' in one)) return after.services.keys();
  const { namespace, name, key } = nameOf(one.slot);
  if (!('index' in one)) return [key];
  const slice = `${namespace}/${name}-${one.index}`;
  return [before, after].map(
    (cluster) => `${namespace}/${cluster.slices.get(slice)?.metadata.labels['kubernetes.io/service-name'] ?? name}`,
  );
}

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ProxyMode } from '../../src/model/mod.ts';
import { createTemporaryFolder } from '../lab/mod.ts';
import type { Lab } from '../lab/mod.ts';
import { flowsOf } from './flow.ts';
import type { Flow, Group } from './flow.ts';
import { judge } from './judge.ts';
import { reasonNotToTrace } from './lab-runner.ts';
import { packetOf, readWay } from './packet-walk.ts';
import { namesOf } from './senders.ts';
import type { TraceAnswer, TraceOrder } from './trace-child.ts';

const script = fileURLToPath(new URL('trace-child.ts', import.meta.url));

/**
 * What `waypost trace` makes of every flow of a group, from one reading of node1's kernel: the differences from the table in
 * words, by the flows' titles.
 */
export async function traceInLab(lab: Lab, group: Group, mode: ProxyMode): Promise<ReadonlyMap<string, readonly string[]>> {
  const flows = flowsOf([group], mode).filter((flow) => reasonNotToTrace(flow) === null);
  await using folder = await createTemporaryFolder('waypost-trace-');
  const [order, answer] = ['order.json', 'answer.json'].map((name) => join(folder.path, name));
  if (order === undefined || answer === undefined) throw new RangeError('two files were named');
  const asked: TraceOrder = flows.map((flow) => {
    const { memory: _memory, ...sent } = packetOf(flow, 0);
    return { title: flow.title, ...sent };
  });
  await writeFile(order, JSON.stringify(asked));
  const { code, stderr } = await lab.node1.exec(process.execPath, [script, order, answer]);
  if (code !== 0) throw new Error(`tracing ended with ${code}: ${stderr}`);
  const answers = JSON.parse(await readFile(answer, 'utf8')) as readonly TraceAnswer[];
  const byTitle = new Map(answers.map((one) => [one.title, one]));
  return new Map(flows.map((flow) => [flow.title, judgeTrace(flow, byTitle.get(flow.title))]));
}

function judgeTrace(flow: Flow, answer: TraceAnswer | undefined): readonly string[] {
  if (answer === undefined) return ['traced: no answer'];
  if (answer.problem !== null) return [`traced: ${answer.problem}`];
  const outcomes = answer.ways.map((way) => readWay(flow, way, 0));
  const unclear = answer.ways.flatMap(({ steps }) =>
    steps.filter(({ effects }) => effects.some(({ kind }) => kind === 'unknown')).map(({ place, text }) => `${place} ${text}`),
  );
  return [
    ...judge(flow, outcomes, namesOf(flow.from)).map((problem) => `traced: ${problem}`),
    ...[...new Set(unclear)].map((step) => `traced, but not understood: ${step}`),
  ];
}

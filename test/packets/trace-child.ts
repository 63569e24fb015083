import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { readKernel } from '../../src/cli/driver-trace.ts';
import { assembleNode, listUnfollowed, rememberedOf } from '../../src/cli/trace-node.ts';
import type { Family, SentPacket } from '../../src/model/mod.ts';
import { walkPacket } from '../../src/trace/mod.ts';
import type { TracedWay } from '../../src/trace/mod.ts';

/**
 * Traces packets as `waypost trace` does, in the namespace that this process is started in. A line of standard input names a
 * file with what is asked; what became of it is in the file of that name with `.answer` at its end, once it is there. The
 * kernel is read once for each order and family.
 */
export type TraceOrder = readonly TraceQuestion[];

export interface TraceQuestion extends Omit<SentPacket, 'memory'> {
  readonly title: string;
}

export interface TraceAnswer {
  readonly title: string;
  readonly ways: readonly TracedWay[];
  /** What kept it from being traced. */
  readonly problem: string | null;
}

type Tracer = (question: TraceQuestion) => TraceAnswer;

async function openTracer(family: Family): Promise<Tracer> {
  const reading = await readKernel(family);
  if (!reading.ok) return ({ title }) => ({ title, ways: [], problem: reading.problem.message });
  const node = assembleNode(reading.value);
  const gaps = [...reading.value.gaps, ...listUnfollowed(reading.value)];
  return ({ title, ...sent }) => {
    if (gaps.length > 0) return { title, ways: [], problem: `not read: ${gaps.join('; ')}` };
    const walked = walkPacket(node, { ...sent, memory: rememberedOf(reading.value, sent.packet.source) });
    return walked.ok ? { title, ways: walked.value, problem: null } : { title, ways: [], problem: walked.problem.message };
  };
}

async function answerOrder(path: string): Promise<void> {
  const order = JSON.parse(readFileSync(path, 'utf8')) as TraceOrder;
  const families = [...new Set(order.map(({ packet }) => packet.family))];
  const tracers = new Map(await Promise.all(families.map(async (family) => [family, await openTracer(family)] as const)));
  const answers = order.flatMap((question) => tracers.get(question.packet.family)?.(question) ?? []);
  // Nobody ever reads half of it.
  writeFileSync(`${path}.part`, JSON.stringify(answers));
  renameSync(`${path}.part`, `${path}.answer`);
}

for await (const path of createInterface({ input: process.stdin })) await answerOrder(path);

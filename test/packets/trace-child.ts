import { readFileSync, writeFileSync } from 'node:fs';
import { readKernel } from '../../src/cli/driver-trace.ts';
import { assembleNode, listUnfollowed, rememberedOf } from '../../src/cli/trace-node.ts';
import type { Family, SentPacket } from '../../src/model/mod.ts';
import { walkPacket } from '../../src/trace/mod.ts';
import type { TracedWay } from '../../src/trace/mod.ts';

/**
 * Traces packets as `waypost trace` does, in the namespace that this process is started in, with one reading of the kernel
 * for each family. Arguments: the file with what is asked, and the file to write what became of it to.
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

const [orderPath = '', answerPath = ''] = process.argv.slice(2);
const order = JSON.parse(readFileSync(orderPath, 'utf8')) as TraceOrder;
const families = [...new Set(order.map(({ packet }) => packet.family))];
const tracers = new Map(await Promise.all(families.map(async (family) => [family, await openTracer(family)] as const)));
const answers = order.flatMap((question) => tracers.get(question.packet.family)?.(question) ?? []);
writeFileSync(answerPath, JSON.stringify(answers));
// Helpers of the drivers may still be there.
process.exit(0);

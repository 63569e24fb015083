import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ProxyMode } from '../../src/model/mod.ts';
import type { LabProcess } from '../lab/lab-process.ts';
import { createTemporaryFolder, pollUntil } from '../lab/mod.ts';
import type { Lab } from '../lab/mod.ts';
import type { TemporaryFolder } from '../lab/temporary-folder.ts';
import { flowsOf } from './flow.ts';
import type { Flow, Group } from './flow.ts';
import { judge } from './judge.ts';
import { reasonNotToTrace } from './lab-runner.ts';
import { packetOf, readWay } from './packet-walk.ts';
import { namesOf } from './senders.ts';
import type { TraceAnswer, TraceOrder } from './trace-child.ts';

const script = fileURLToPath(new URL('trace-child.ts', import.meta.url));

/** Follows flows through node1's kernel as `waypost trace` does; one process for all questions, since it is slow to start. */
export class LabTracer implements AsyncDisposable {
  readonly #child: LabProcess;
  readonly #folder: TemporaryFolder;
  #orders = 0;

  private constructor(child: LabProcess, folder: TemporaryFolder) {
    this.#child = child;
    this.#folder = folder;
  }

  static async start(lab: Lab): Promise<LabTracer> {
    return new LabTracer(lab.node1.spawn(process.execPath, [script]), await createTemporaryFolder('waypost-trace-'));
  }

  /** Differences from the table in words, by the flows' titles, from one reading of the kernel. */
  async trace(group: Group, mode: ProxyMode): Promise<ReadonlyMap<string, readonly string[]>> {
    const flows = flowsOf([group], mode).filter((flow) => reasonNotToTrace(flow) === null);
    const asked: TraceOrder = flows.map((flow) => {
      const { memory: _memory, ...sent } = packetOf(flow, 0);
      return { title: flow.title, ...sent };
    });
    const answers = await this.#ask(asked);
    const byTitle = new Map(answers.map((one) => [one.title, one]));
    return new Map(flows.map((flow) => [flow.title, judgeTrace(flow, byTitle.get(flow.title))]));
  }

  async #ask(order: TraceOrder): Promise<readonly TraceAnswer[]> {
    this.#orders += 1;
    const path = join(this.#folder.path, `${this.#orders}.json`);
    await writeFile(path, JSON.stringify(order));
    this.#child.write(`${path}\n`);
    const answer = await pollUntil('the tracer to answer', () => this.#read(`${path}.answer`), {
      timeoutMs: 60_000,
      explain: () => this.#child.output,
    });
    return JSON.parse(answer) as readonly TraceAnswer[];
  }

  async #read(path: string): Promise<string | null> {
    if (!this.#child.running) throw new Error(`the tracer ended: ${this.#child.output}`);
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stop();
    await this.#folder[Symbol.asyncDispose]();
  }
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

import { createTemporaryFolder, startWaypost, writeManifest, hasEachFamily } from '../lab/mod.ts';
import type { Attempt, Lab, Place, RunningWaypost, Target } from '../lab/mod.ts';
import type { TemporaryFolder } from '../lab/temporary-folder.ts';
import type { ApiObject } from './flow.ts';
import { nodeObject, service } from './objects.ts';

/** What an agent is started with. */
export interface AgentOptions {
  /** Fields of a KubeProxyConfiguration. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly flags: readonly string[];
}

/** Of the Service that says by its name what is in the kernel; parts have the numbers below. */
const markNumber = 99;

/** The real agent on a lab's node1, over manifests that change while it runs. */
export class LiveCluster implements AsyncDisposable {
  readonly lab: Lab;
  readonly #folder: TemporaryFolder;
  #options: AgentOptions;
  /** Parts by name: the number of its marks, and the last of them. */
  readonly #parts = new Map<string, { readonly number: number; readonly last: string }>();
  #agent: RunningWaypost | null = null;
  #turn = 0;
  #last = '';

  constructor(lab: Lab, folder: TemporaryFolder, options: AgentOptions) {
    this.lab = lab;
    this.#folder = folder;
    this.#options = options;
  }

  /** Replaces the whole cluster, but for its parts; comes back when the kernel has it. The Node is node1's unless another is given. */
  async put(objects: readonly ApiObject[], node: ApiObject = nodeObject()): Promise<void> {
    await this.write(objects, node);
    this.#agent ??= await startWaypost(this.lab.node1, { manifests: this.#folder.path, ...this.#options });
    await this.#settleAt(this.#last);
  }

  /**
   * Replaces what was put under this name before and leaves the rest alone; comes back when the kernel has it. Parts may
   * change side by side. The agent runs already.
   */
  async putPart(name: string, objects: readonly ApiObject[]): Promise<void> {
    const number = this.#parts.get(name)?.number ?? markNumber - 1 - this.#parts.size;
    this.#turn += 1;
    const mark = service(`turn-${this.#turn}`, number);
    this.#parts.set(name, { number, last: mark.name });
    await writeManifest(this.#folder.path, `part-${name}.json`, [mark.object, ...objects]);
    await this.#settleAt(mark.name);
  }

  /** Replaces the whole cluster, but for its parts, and waits for nothing. */
  async write(objects: readonly ApiObject[], node: ApiObject = nodeObject()): Promise<void> {
    this.#turn += 1;
    const mark = service(`turn-${this.#turn}`, markNumber);
    this.#last = mark.name;
    await writeManifest(this.#folder.path, 'cluster.json', [node, mark.object, ...objects]);
  }

  /** Empties the cluster, its parts too; comes back when the kernel knows. */
  async clear(): Promise<void> {
    await Promise.all([...this.#parts.keys()].map((name) => this.putPart(name, [])));
    await this.put([]);
  }

  /** Until the kernel has what was written last, parts too. */
  async settle(): Promise<void> {
    for (const mark of [this.#last, ...[...this.#parts.values()].map(({ last }) => last)]) await this.#settleAt(mark);
  }

  /** Kills the agent as a crash would. */
  async kill(): Promise<void> {
    await this.#agent?.kill();
    this.#agent = null;
  }

  /** Kills the agent, where it runs, and starts another. */
  async restart(): Promise<void> {
    await this.kill();
    this.#agent = await startWaypost(this.lab.node1, { manifests: this.#folder.path, ...this.#options });
  }

  /** Ends the agent in order and starts it with other options: as an operator changes the mode. */
  async switchTo(options: AgentOptions): Promise<void> {
    await this.stop();
    this.#options = options;
    await this.restart();
    await this.settle();
  }

  /** What the agent that runs now has said. */
  get output(): string {
    return this.#agent?.process.output ?? '';
  }

  /** Ends the agent in order; rules stay. */
  async stop(): Promise<void> {
    await this.#agent?.stop();
    this.#agent = null;
  }

  async #settleAt(mark: string): Promise<void> {
    const turn = `default/${mark}`;
    await this.#agent?.waitRows(`the rows of ${turn}`, (rows) => hasEachFamily(rows, turn, this.lab.families));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent?.stop();
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** A cluster without objects yet; the agent starts with the first of them. */
export async function createLiveCluster(
  lab: Lab,
  config: Readonly<Record<string, unknown>> = {},
  flags: readonly string[] = [],
): Promise<LiveCluster> {
  return new LiveCluster(lab, await createTemporaryFolder('waypost-live-'), { config, flags });
}

/** The names of the back ends that answered. Throws where one attempt was not answered. */
export function backendsOf(attempts: readonly Attempt[]): readonly string[] {
  return attempts.map(({ answer, verdict, code }) => {
    if (answer === null) throw new Error(`not answered but ${verdict} (${code})`);
    return answer.backend;
  });
}

/** Who answered each of `count` new connections, the one after the other. */
export async function askRepeatedly(place: Place, target: Omit<Target, 'timeoutMs'>, count: number): Promise<readonly string[]> {
  const names: string[] = [];
  for (let asked = 0; asked < count; asked += 1) names.push(...backendsOf(await place.connect({ timeoutMs: 4000, ...target })));
  return names;
}

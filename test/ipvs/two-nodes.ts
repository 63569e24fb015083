import { createTemporaryFolder, startWaypost, writeManifest, hasEachFamily } from '../lab/mod.ts';
import type { Lab, Place, RunningWaypost } from '../lab/mod.ts';
import { nodeNames, ranges } from '../lab/addressing.ts';
import type { TemporaryFolder } from '../lab/temporary-folder.ts';
import type { ApiObject } from '../packets/flow.ts';
import type { AgentOptions } from '../packets/live-cluster.ts';
import { nodeObject, service } from '../packets/objects.ts';

/** An agent on each node of a lab, over one folder of manifests that change while they run. */
export class TwoNodes implements AsyncDisposable {
  readonly #lab: Lab;
  readonly #folder: TemporaryFolder;
  #options: AgentOptions = { config: {}, flags: [] };
  #agents: readonly RunningWaypost[] = [];
  #turn = 0;

  constructor(lab: Lab, folder: TemporaryFolder) {
    this.#lab = lab;
    this.#folder = folder;
  }

  get nodes(): readonly Place[] {
    return [this.#lab.node1, this.#lab.node2];
  }

  /** Replaces the whole cluster; comes back when both kernels have it. */
  async put(objects: readonly ApiObject[]): Promise<void> {
    await this.#write(objects);
    await this.#settle();
  }

  /** Ends the agents in order, as an operator does who changes settings, and starts them with these over an empty cluster. */
  async switchTo(options: AgentOptions): Promise<void> {
    await this.stop();
    this.#options = options;
    await this.#write([]);
    await this.#start();
    await this.#settle();
  }

  async #write(objects: readonly ApiObject[]): Promise<void> {
    this.#turn += 1;
    // A Service that says by its name that this version of the file is in the kernel.
    const mark = service(`turn-${this.#turn}`, 99);
    await writeManifest(this.#folder.path, 'cluster.json', [nodeObject(), secondNode(this.#lab), mark.object, ...objects]);
  }

  /** What the agents that run now have said. */
  get output(): string {
    return this.#agents.map(({ process }) => process.output).join('\n');
  }

  /** Ends the agents in order; rules stay. */
  async stop(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.stop()));
    this.#agents = [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#folder[Symbol.asyncDispose]();
  }

  async #start(): Promise<void> {
    const manifests = this.#folder.path;
    this.#agents = await Promise.all(
      this.nodes.map((node) => startWaypost(node, { manifests, nodeName: nodeNames[node.name] ?? node.name, ...this.#options })),
    );
  }

  async #settle(): Promise<void> {
    const turn = `default/turn-${this.#turn}`;
    await Promise.all(
      this.#agents.map((agent) => agent.waitRows(`the rows of ${turn}`, (rows) => hasEachFamily(rows, turn, this.#lab.families))),
    );
  }
}

export async function createTwoNodes(lab: Lab): Promise<TwoNodes> {
  return new TwoNodes(lab, await createTemporaryFolder('waypost-two-'));
}

function secondNode({ node2 }: Lab): ApiObject {
  const { IPv4, IPv6 } = node2.addresses;
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: nodeNames['node2'] ?? 'node2' },
    spec: { podCIDR: ranges.node2Pods.IPv4, podCIDRs: [ranges.node2Pods.IPv4, ranges.node2Pods.IPv6] },
    status: {
      addresses: [
        { type: 'InternalIP', address: IPv4 },
        { type: 'InternalIP', address: IPv6 },
      ],
    },
  };
}

import { writeFile } from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApiServer } from '../api-server/api-server.ts';
import type { CollectionName } from '../api-server/collections.ts';
import { labConfig } from '../lab/config.ts';
import { createTemporaryFolder, launcher, pollUntil } from '../lab/mod.ts';
import type { Place } from '../lab/mod.ts';
import type { LabProcess } from '../lab/lab-process.ts';
import type { TemporaryFolder } from '../lab/temporary-folder.ts';
import { RunningWaypost } from '../lab/waypost.ts';
import type { ApiObject } from '../packets/flow.ts';
import { nodeObject } from '../packets/objects.ts';
import { joinSockets } from './join-sockets.ts';

const relay = fileURLToPath(new URL('relay.ts', import.meta.url));
const relayPort = 6443;

/** The token a new cluster accepts. */
export const firstToken = 'first-token';

/**
 * An API server that lives in this process, so that a test can make it fail in any way, and that a node
 * in another namespace sees on its own loopback. Holds the Node of node1 from the start.
 */
export async function createCluster(place: Place): Promise<Cluster> {
  const cluster = new Cluster(place, await createTemporaryFolder('waypost-cluster-'));
  await cluster.begin();
  return cluster;
}

export class Cluster implements AsyncDisposable {
  readonly server = new ApiServer();
  readonly #place: Place;
  readonly #folder: TemporaryFolder;
  readonly #door: net.Server;
  readonly #relays: LabProcess[] = [];
  readonly #agents: RunningWaypost[] = [];

  constructor(place: Place, folder: TemporaryFolder) {
    this.#place = place;
    this.#folder = folder;
    this.#door = net.createServer((client) => this.#passOn(client));
  }

  get kubeconfig(): string {
    return join(this.#folder.path, 'kubeconfig');
  }

  async begin(): Promise<void> {
    this.server.tokens = new Set([firstToken]);
    this.put(nodeObject());
    await this.server.start();
    await new Promise<void>((resolve) => this.#door.listen(this.#socket, resolve));
    await this.writeToken(firstToken);
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'lab',
      clusters: [{ name: 'lab', cluster: { server: `http://127.0.0.1:${relayPort}` } }],
      users: [{ name: 'agent', user: { tokenFile: 'token' } }],
      contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'agent' } }],
    };
    await writeFile(this.kubeconfig, JSON.stringify(config));
  }

  /** Rewrites the token file, as a kubelet does with a projected one. */
  async writeToken(token: string): Promise<void> {
    await writeFile(join(this.#folder.path, 'token'), `${token}\n`);
  }

  /** Creates or replaces objects as `kubectl apply` would. */
  put(...objects: readonly ApiObject[]): void {
    for (const object of objects) this.server.put(collectionOf(object), object as Parameters<ApiServer['put']>[1]);
  }

  remove(...objects: readonly ApiObject[]): void {
    for (const object of objects) {
      const { namespace, name } = (object as Parameters<ApiServer['put']>[1]).metadata;
      if (!this.server.remove(collectionOf(object), namespace, name)) throw new Error(`there is no ${name} to remove`);
    }
  }

  /** From now on the node, or another one, can reach the server. */
  async connect(place = this.#place): Promise<void> {
    const started = place.spawn(process.execPath, [relay, String(relayPort), this.#socket]);
    this.#relays.push(started);
    await pollUntil('the relay', async () => (started.output.includes('listening') ? true : null), {
      explain: () => started.output,
    });
  }

  /** Cuts all connections; every node is refused from now on. */
  async disconnect(): Promise<void> {
    await Promise.all(this.#relays.splice(0).map((started) => started.kill()));
  }

  /** Starts the real agent on this server; not waited for. */
  async startAgent(
    config: Readonly<Record<string, unknown>> = {},
    flags: readonly string[] = [],
    on: { readonly place: Place; readonly nodeName: string } = { place: this.#place, nodeName: 'node-1' },
  ): Promise<RunningWaypost> {
    const folder = await createTemporaryFolder('waypost-agent-');
    const file = join(folder.path, 'config.json');
    const text = { mode: 'iptables', clientConnection: { kubeconfig: this.kubeconfig, qps: 50, burst: 100 }, ...config };
    await writeFile(file, JSON.stringify(labConfig(text)));
    const args = ['run', '--config', file, '--hostname-override', on.nodeName, ...flags];
    const agent = new RunningWaypost(on.place, on.place.spawn(launcher, args), folder);
    this.#agents.push(agent);
    return agent;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const agent of this.#agents) await agent.kill();
    await this.disconnect();
    await this.server.close();
    await new Promise<void>((resolve) => this.#door.close(() => resolve()));
    await this.#folder[Symbol.asyncDispose]();
  }

  get #socket(): string {
    return join(this.#folder.path, 'door');
  }

  #passOn(client: net.Socket): void {
    const { hostname, port } = new URL(this.server.url);
    joinSockets(client, net.connect(Number(port), hostname));
  }
}

function collectionOf(object: ApiObject): CollectionName {
  switch (object['kind']) {
    case 'Service':
      return 'services';
    case 'EndpointSlice':
      return 'endpointslices';
    case 'Node':
      return 'nodes';
    case 'Namespace':
      return 'namespaces';
    case 'Pod':
      return 'pods';
    default:
      throw new Error(`objects of kind ${String(object['kind'])} are not served`);
  }
}

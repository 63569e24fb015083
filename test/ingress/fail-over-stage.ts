import { families } from '../../src/model/mod.ts';
import type { Address, Family } from '../../src/model/mod.ts';
import { nodeNames } from '../lab/addressing.ts';
import { createLab, listenOnAll, pollUntil } from '../lab/mod.ts';
import type { Attempt, Lab, Place, RunningWaypost, Target } from '../lab/mod.ts';
import { createCluster } from '../lifecycle/cluster.ts';
import type { Cluster } from '../lifecycle/cluster.ts';
import type { ApiObject } from '../packets/flow.ts';
import { hostNamed, nodeObject, ready, service, slices } from '../packets/objects.ts';
import { run } from './announce-stage.ts';

/** On the network that nodes and the client share. */
export const vip: Readonly<Record<Family, Address>> = { IPv4: '192.0.2.50' as Address, IPv6: '2001:db8:1::50' as Address };
/** On no network: whoever wants there names a node. */
export const routedVip: Readonly<Record<Family, string>> = { IPv4: '198.51.100.77', IPv6: '2001:db8:100::77' };

/** Milliseconds after which a node without a sign of life is followed. */
export const leaseMs = 2000;

/** Fields of a KubeProxyConfiguration and options of the command line. */
export interface StageOptions {
  readonly config: Readonly<Record<string, unknown>>;
  readonly flags: readonly string[];
}

/** Two nodes with the real agent each, one API server, and a client on the nodes' network. */
export class FailOverStage implements AsyncDisposable {
  readonly lab: Lab;
  readonly cluster: Cluster;
  readonly #options: StageOptions;
  readonly #agents = new Map<string, RunningWaypost>();

  static async build(options: StageOptions): Promise<FailOverStage> {
    const lab = await createLab();
    await Promise.all([...lab.pods.values()].map((pod) => pod.listen(listenOnAll([8080]))));
    const cluster = await createCluster(lab.node1);
    cluster.put(secondNode());
    for (const node of [lab.node1, lab.node2]) await cluster.connect(node);
    return new FailOverStage(lab, cluster, options);
  }

  private constructor(lab: Lab, cluster: Cluster, options: StageOptions) {
    this.lab = lab;
    this.cluster = cluster;
    this.#options = options;
  }

  get nodes(): readonly [Place, Place] {
    return [this.lab.node1, this.lab.node2];
  }

  other(node: Place): Place {
    return node === this.lab.node1 ? this.lab.node2 : this.lab.node1;
  }

  /** Starts the agent of a node; back when its rules are in the kernel. */
  async start(node: Place, more: readonly string[] = []): Promise<void> {
    const { config, flags } = this.#options;
    const ingress = ['--ingress-enabled', '--ingress-announce-enabled', '--ingress-lease-duration', `${leaseMs}ms`];
    const on = { place: node, nodeName: nodeNames[node.name] ?? '' };
    const agent = await this.cluster.startAgent(config, [...ingress, ...flags, ...more], on);
    this.#agents.set(node.name, agent);
    await agent.waitHealthy(60_000);
  }

  async kill(node: Place): Promise<void> {
    await this.#agents.get(node.name)?.kill();
  }

  async stop(node: Place): Promise<void> {
    await this.#agents.get(node.name)?.stop();
  }

  outputOf(node: Place): string {
    return this.#agents.get(node.name)?.process.output ?? '';
  }

  /** A Service of both families at the announced addresses, with these back ends. */
  publish(pods: readonly string[], annotations: Readonly<Record<string, string>> = {}): void {
    this.cluster.put(...publishedService('announced', vip, pods, { 'waypost.dev/announce': 'garp', ...annotations }));
  }

  target(family: Family, over: Partial<Target> = {}): Target {
    return { family, protocol: 'TCP', destination: vip[family], port: 80, timeoutMs: 500, ...over };
  }

  async connect(family: Family, over: Partial<Target> = {}): Promise<Attempt | undefined> {
    return (await this.lab.outside.connect(this.target(family, over)))[0];
  }

  /** The node through which the client's new connections go, told by the source that a back end sees; null: none is answered. */
  async servedThrough(family: Family): Promise<Place | null> {
    const source = (await this.connect(family))?.answer?.source;
    return this.nodes.find((node) => node.addresses[family] === source) ?? null;
  }

  /** Waits until connections go through some node, or through this one. */
  async untilServed(family: Family, through: Place | null = null, timeoutMs = 20_000): Promise<Place> {
    return await pollUntil(
      `${family} to be served${through === null ? '' : ` through ${through.name}`}`,
      async () => {
        const node = await this.servedThrough(family);
        return node !== null && (through === null || node === through) ? node : null;
      },
      { timeoutMs, explain: () => this.nodes.map((node) => `${node.name}:\n${this.outputOf(node)}`).join('\n') },
    );
  }

  /** Who has each address, as the first node sees it. */
  async owners(): Promise<readonly string[]> {
    return (await this.announced(this.lab.node1)).map(owned);
  }

  /**
   * Until both nodes know both addresses and agree who has them. With `owners` that is to be as it was then: a node that is back
   * joins some time after its agent has started, and gets what it had.
   */
  async untilAgreed(owners: readonly string[] | null = null): Promise<void> {
    let last: unknown = null;
    await pollUntil(
      'both nodes to agree',
      async () => {
        const [one, other] = await Promise.all(this.nodes.map((node) => this.announced(node)));
        last = [one, other];
        const whole = one?.length === families.length && one.every((row) => row.owner !== null && !row.undecided);
        const agreed = whole && JSON.stringify(one.map(owned)) === JSON.stringify(other?.map(owned));
        return agreed && JSON.stringify(owners ?? one.map(owned)) === JSON.stringify(one.map(owned)) ? true : null;
      },
      { timeoutMs: 20_000, explain: () => `${JSON.stringify(last)} ${this.nodes.map((node) => this.outputOf(node)).join('\n')}` },
    );
  }

  /** The rows of `/ingress` of a node's agent. */
  async announced(node: Place): Promise<readonly AnnouncedRow[]> {
    const answer = await node.get('http://127.0.0.1:10249/ingress').catch(() => null);
    if (answer?.status !== 200) return [];
    return (JSON.parse(answer.body) as { readonly announced: readonly AnnouncedRow[] | null }).announced ?? [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
    await this.lab.close();
  }
}

export interface AnnouncedRow {
  readonly address: string;
  readonly owner: string | null;
  readonly undecided: boolean;
}

/** A load balancer of our class at these addresses. */
export function publishedService(
  name: string,
  addresses: Readonly<Record<Family, string>>,
  pods: readonly string[],
  annotations: Readonly<Record<string, string>> = {},
): readonly ApiObject[] {
  const { object } = service(name, name.length, {
    type: 'LoadBalancer',
    ports: [{ name: 'tcp', protocol: 'TCP', port: 80 }],
    annotations,
    ingress: families.map((family) => ({ ip: addresses[family] })),
    spec: { loadBalancerClass: 'waypost.dev/ingress' },
  });
  const ports = [{ name: 'tcp', protocol: 'TCP' as const, port: 8080 }];
  return [
    object,
    ...slices(
      name,
      pods.map((pod) => ready(pod)),
      { ports },
    ),
  ];
}

/** Packets that an interface of a node has sent. */
export async function sentBy(node: Place, device: string): Promise<number> {
  return Number(await run(node, 'cat', [`/sys/class/net/${device}/statistics/tx_packets`]));
}

function owned({ address, owner }: AnnouncedRow): string {
  return `${address} ${owner}`;
}

function secondNode(): ApiObject {
  const node = nodeObject();
  const { addresses } = hostNamed('node2');
  return {
    ...node,
    metadata: { name: 'node-2' },
    spec: {},
    status: { addresses: families.map((family) => ({ type: 'InternalIP', address: addresses[family] })) },
  };
}

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Address, Family } from '../../src/model/mod.ts';
import { createLab, createTemporaryFolder, pollUntil } from '../lab/mod.ts';
import type { Attempt, Lab, Place } from '../lab/mod.ts';
import { LeaseHub } from './lease-hub.ts';

const agentScript = fileURLToPath(new URL('announce-agent.ts', import.meta.url));

/** On the network that nodes and the client share. */
export const vips: Readonly<Record<Family, Address>> = { IPv4: '192.0.2.50' as Address, IPv6: '2001:db8:1::50' as Address };
const port = 8080;

type Agent = ReturnType<Place['spawn']>;

/** Two nodes that would serve addresses of Services, and a client on their network. */
export class AnnounceStage implements AsyncDisposable {
  readonly lab: Lab;
  readonly hub: LeaseHub;
  readonly #path: string;
  readonly #agents = new Map<string, Agent>();
  readonly #folder: { [Symbol.asyncDispose](): Promise<void> };

  static async build(): Promise<AnnounceStage> {
    const lab = await createLab({ podsOnNode1: [], podsOnNode2: [] });
    const folder = await createTemporaryFolder('wp-hub-');
    const path = join(folder.path, 'hub');
    const stage = new AnnounceStage(lab, await LeaseHub.open(path), path, folder);
    for (const node of stage.nodes) {
      await node.listen([{ protocol: 'TCP', address: '::', port }]);
      await run(node, 'nft', ['-f', '-'], renderCapture(node));
    }
    return stage;
  }

  private constructor(lab: Lab, hub: LeaseHub, path: string, folder: { [Symbol.asyncDispose](): Promise<void> }) {
    this.lab = lab;
    this.hub = hub;
    this.#path = path;
    this.#folder = folder;
  }

  get nodes(): readonly [Place, Place] {
    return [this.lab.node1, this.lab.node2];
  }

  other(node: Place): Place {
    return node === this.lab.node1 ? this.lab.node2 : this.lab.node1;
  }

  /** Starts the agent of a node and has it announce these. */
  async start(node: Place, durationMs: number, addresses: readonly string[] = Object.values(vips)): Promise<void> {
    const agent = node.spawn(process.execPath, [agentScript, this.#path, node.name, String(durationMs)]);
    this.#agents.set(node.name, agent);
    await pollUntil(`the agent of ${node.name}`, async () => (this.hub.isThere(node.name) ? true : null), {
      explain: () => agent.output,
    });
    const wanted = addresses.map((address) => ({ address: address as Address, eligible: ['node1', 'node2'] }));
    this.hub.tell(node.name, { kind: 'set', wanted });
  }

  async kill(node: Place): Promise<void> {
    await this.#agents.get(node.name)?.kill();
    await pollUntil('the hub to notice', async () => (this.hub.isThere(node.name) ? null : true));
  }

  async close(node: Place, how: 'release' | 'keep'): Promise<void> {
    this.hub.tell(node.name, { kind: 'close', how });
    const agent = this.#agents.get(node.name);
    if ((await agent?.exited) !== 0) throw new Error(`the agent of ${node.name} did not end well: ${agent?.output}`);
  }

  outputOf(node: Place): string {
    return this.#agents.get(node.name)?.output ?? '';
  }

  /** The node whose hardware address the client has for the address now; null: none. */
  async knownTo(client: Place, address: string): Promise<string | null> {
    const found = JSON.parse(await run(client, 'ip', ['-json', 'neigh', 'show', address, 'dev', 'eth0'])) as {
      lladdr?: string;
    }[];
    for (const node of this.nodes) if (found[0]?.lladdr === (await hardwareOf(node))) return node.name;
    return null;
  }

  /** Asks anew, as somebody that has not heard of the address. */
  async resolve(address: string): Promise<string | null> {
    await run(this.lab.outside, 'ip', ['neigh', 'flush', 'dev', 'eth0']);
    await this.ping(address);
    return await this.knownTo(this.lab.outside, address);
  }

  async ping(address: string): Promise<boolean> {
    return (await this.lab.outside.exec('ping', ['-c', '1', '-W', '1', address])).code === 0;
  }

  async connect(family: Family): Promise<Attempt | undefined> {
    const target = { family, protocol: 'TCP', destination: vips[family], port, timeoutMs: 500 } as const;
    return (await this.lab.outside.connect(target))[0];
  }

  /** Waits, this long at most, until new connections of the client end at this node; its name. */
  async servedBy(node: Place, family: Family, timeoutMs: number): Promise<string> {
    let last: Attempt | undefined;
    return await pollUntil(
      `${family} to be served by ${node.name}`,
      async () => {
        last = await this.connect(family);
        return last?.answer?.backend === node.name ? node.name : null;
      },
      { timeoutMs, explain: () => `${JSON.stringify(last)} ${this.nodes.map((each) => this.outputOf(each)).join('\n')}` },
    );
  }

  /** Which node the agents agree on. */
  async owner(address: string): Promise<Place> {
    const name = await pollUntil('an owner', async () => {
      const said = new Set(this.hub.joined.map((node) => this.hub.owners.get(node)?.[address]));
      const [one] = said;
      return said.size === 1 && one !== undefined ? one : null;
    });
    return this.lab.place(name ?? '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab.close();
    await this.hub[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}

export async function run(place: Place, command: string, args: readonly string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await place.exec(command, args, input);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} in ${place.name}: ${stderr}`);
  return stdout;
}

/** What is left in a node's kernel that announcing makes. */
export async function traces(node: Place): Promise<readonly string[]> {
  const lists = [
    ['-4', 'neigh', 'show', 'proxy'],
    ['-6', 'neigh', 'show', 'proxy'],
    ['-4', 'route', 'show', 'table', 'all', 'proto', '87'],
    ['-6', 'route', 'show', 'table', 'all', 'proto', '87'],
  ];
  const found: string[] = [];
  for (const words of lists) found.push(...(await run(node, 'ip', words)).split('\n').map((line) => line.trim()));
  return found.filter((line) => line !== '');
}

export async function parameters(node: Place): Promise<readonly string[]> {
  const names = ['net.ipv4.neigh.eth0.proxy_delay', 'net.ipv6.neigh.eth0.proxy_delay', 'net.ipv6.conf.all.proxy_ndp'];
  return (await run(node, 'sysctl', ['-n', ...names])).trim().split('\n');
}

async function hardwareOf(node: Place): Promise<string> {
  const [link] = JSON.parse(await run(node, 'ip', ['-json', 'link', 'show', 'eth0'])) as { address: string }[];
  return link?.address ?? '';
}

/** Stands for the data plane: what comes for the address is served here, on every node, whether it owns the address or not. */
function renderCapture(node: Place): string {
  return [
    'table ip capture {',
    'chain in {',
    'type nat hook prerouting priority -100',
    `ip daddr ${vips.IPv4} dnat to ${node.addresses.IPv4}`,
    '}',
    '}',
    'table ip6 capture {',
    'chain in {',
    'type nat hook prerouting priority -100',
    `ip6 daddr ${vips.IPv6} tcp dport 8080 dnat to ${node.addresses.IPv6}`,
    `ip6 daddr ${vips.IPv6} icmpv6 type echo-request dnat to ${node.addresses.IPv6}`,
    '}',
    '}',
    '',
  ].join('\n');
}

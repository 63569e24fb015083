import { fileURLToPath } from 'node:url';
import { parseAddress } from '../../src/model/mod.ts';
import type { Address, Capture, Family, PodTraffic } from '../../src/model/mod.ts';
import { pollUntil } from '../lab/mod.ts';
import type { Attempt, Lab, Place, SocketProtocol } from '../lab/mod.ts';
import type { LabProcess } from '../lab/lab-process.ts';
import { service, slices, ready } from '../packets/objects.ts';
import type { ApiObject } from '../packets/flow.ts';
import type { AgentOrder } from './intercept-agent.ts';

/** The cluster's DNS, number 10 of the lab's Services; its endpoint is p1. */
const dns = service('dns', 10, {
  ports: [
    { name: 'udp', protocol: 'UDP', port: 53 },
    { name: 'tcp', protocol: 'TCP', port: 53 },
  ],
});
export const dnsObjects: readonly ApiObject[] = [dns.object, ...slices('dns', [ready('p1')])];

export const socketProtocols: readonly SocketProtocol[] = ['UDP', 'TCP'];
export const listenPort = 15_353;
export const nodeLocal: Readonly<Record<Family, Address>> = {
  IPv4: addressOf('169.254.20.10'),
  IPv6: addressOf('fd00:169:254::10'),
};

function addressOf(text: string | undefined): Address {
  const parsed = parseAddress(text ?? '');
  if (parsed === null) throw new TypeError(`not an address: ${text}`);
  return parsed;
}

export function clusterAddress(family: Family): Address {
  return addressOf(dns.clusterIp.addresses[family]);
}

const podsOfNode: readonly PodTraffic[] = [{ kind: 'interface-prefix', prefix: 'pod-' }];

/** Starts the stand-in on node1; it comes back when that intercepts. */
export async function startAgent(
  lab: Lab,
  name: string,
  options: { readonly driver?: AgentOrder['driver']; readonly routes?: readonly Address[]; readonly port?: number } = {},
): Promise<LabProcess> {
  const cluster = lab.families.map(clusterAddress);
  const local = lab.families.map((family) => nodeLocal[family]);
  const captures = socketProtocols.flatMap((protocol): readonly Capture[] => [
    ...cluster.map((address) => ({ address, protocol, port: 53, listenPort: options.port ?? listenPort })),
    ...(options.port === undefined ? local.map((address) => ({ address, protocol, port: 53, listenPort: 53 })) : []),
  ]);
  const { IPv4, IPv6 } = lab.node1.addresses;
  const order: AgentOrder = {
    name,
    driver: options.driver ?? 'netlink',
    sources: { IPv4: addressOf(IPv4), IPv6: addressOf(IPv6) },
    routes: options.routes ?? [...cluster, ...local],
    wish: { captures, clients: podsOfNode },
  };
  // IPv6 binds to what is local by a route alone only where that is allowed; the resolver's sockets ask for it one by one.
  if (lab.families.includes('IPv6')) await lab.node1.exec('sysctl', ['-qw', 'net.ipv6.ip_nonlocal_bind=1']);
  const agent = lab.node1.spawn(process.execPath, [
    fileURLToPath(new URL('intercept-agent.ts', import.meta.url)),
    JSON.stringify(order),
  ]);
  await pollUntil(`${name} to intercept`, async () => (agent.output.includes('ready') || !agent.running ? true : null), {
    timeoutMs: 20_000,
    everyMs: 5,
    explain: () => agent.output,
  });
  if (!agent.running) throw new Error(`${name} ended: ${agent.output}`);
  return agent;
}

/** One question from a place: who answered, and what source it saw. Silence is told after `timeoutMs`. */
export async function ask(
  from: Place,
  family: Family,
  protocol: SocketProtocol,
  to: { readonly address?: string; readonly port?: number; readonly timeoutMs?: number } = {},
): Promise<Attempt> {
  const [attempt] = await from.connect({
    family,
    protocol,
    destination: to.address ?? clusterAddress(family),
    port: to.port ?? 53,
    timeoutMs: to.timeoutMs ?? 2500,
  });
  if (attempt === undefined) throw new Error('no attempt was made');
  return attempt;
}

/** The back end that answered, or the verdict. */
export async function whoAnswers(...args: Parameters<typeof ask>): Promise<string> {
  const { verdict, answer } = await ask(...args);
  return answer?.backend ?? verdict;
}

/** Connections of node1 that the kernel tracks, of the resolver's ports. */
export async function trackedQuestions(lab: Lab): Promise<readonly string[]> {
  const listed = await Promise.all(['ipv4', 'ipv6'].map((family) => lab.node1.exec('conntrack', ['-L', '-f', family])));
  return listed.flatMap(({ stdout }) => stdout.split('\n')).filter((line) => /port=(53|15353) /.test(line));
}

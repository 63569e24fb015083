import { parseAddress, parsePrefix } from '../../src/model/mod.ts';
import type { Address, Family, Prefix, SentPacket } from '../../src/model/mod.ts';
import type { LocalAddress, Route, RoutingRule } from '../../src/netlink/mod.ts';
import { walkPacket } from '../../src/trace/mod.ts';
import type { NodeSysctls, RoutingState, TracedNode, TracedWay } from '../../src/trace/mod.ts';
import { localAddresses } from './derive.ts';
import type { Flow } from './flow.ts';
import type { Outcome } from './judge.ts';
import { hostNamed, plan } from './objects.ts';
import { hostOf } from './senders.ts';

/** Mark bits of somebody else, which must come out as they went in (specification 4.3). */
const foreignMark = 0x0001_0010;

/** A lab's node1 forwards, and iptables mode lets its loopback be reached. */
export const openSysctls: NodeSysctls = {
  forwarding: true,
  loopbackRouting: () => true,
  strictReversePath: () => false,
};

/** Routes of node1 as the lab lays them, without a kernel. */
export function labRouting(family: Family): RoutingState {
  const bits = family === 'IPv4' ? 32 : 128;
  const own = localAddresses.filter((address) => address.includes(':') === (family === 'IPv6'));
  const route = (destination: Prefix, table: number, type: Route['type'], device: string): Route => ({
    destination,
    table,
    type,
    device,
    source: null,
    gateway: null,
    protocol: 2,
  });
  const host = (address: string): Prefix => asPrefix(`${address}/${bits}`);
  const rule = (priority: number, table: number): RoutingRule => ({ priority, mark: null, table, protocol: 2, further: false });
  const pods = plan.pods.filter(({ node }) => node === 'node1');
  return {
    family,
    routes: [
      ...own.map((address) => route(host(address), 255, 'local', address === '::1' || address === '127.0.0.1' ? 'lo' : 'eth0')),
      ...pods.map(({ name, addresses }) => route(host(addresses[family]), 254, 'unicast', `pod-${name}`)),
      route(asPrefix(family === 'IPv4' ? '0.0.0.0/0' : '::/0'), 254, 'unicast', 'eth0'),
    ],
    rules: [rule(0, 255), rule(32_766, 254)],
    addresses: own
      .filter((address) => address !== '::1' && address !== '127.0.0.1')
      .map((address): LocalAddress => ({ address, device: 'eth0', length: family === 'IPv4' ? 24 : 64, scope: 0 })),
  };
}

/** The first packet of a flow as node1 meets it. */
export function packetOf(flow: Flow, mark = foreignMark): SentPacket {
  const host = hostNamed(hostOf(flow.from));
  const destination = asAddress(flow.destination);
  const own = flow.from === 'node' && localAddresses.includes(destination);
  return {
    packet: {
      family: flow.family,
      protocol: flow.protocol,
      // The kernel gives a packet to one of its own addresses that address as a source.
      source: own ? destination : asAddress(host.addresses[flow.family]),
      sourcePort: 40_000,
      destination,
      destinationPort: flow.port,
    },
    inDevice: flow.from === 'node' ? null : host.kind === 'pod' ? `pod-${host.name}` : 'eth0',
    mark,
    link: null,
    memory: new Map(),
  };
}

/** Every way of a flow's first packet. Throws where a step is not understood: a guess would be worse than no answer. */
export function walkFlow(node: TracedNode, flow: Flow, sent = packetOf(flow)): readonly TracedWay[] {
  const walked = walkPacket(node, sent);
  if (!walked.ok) throw new Error(`${flow.title}: ${walked.problem.message}`);
  for (const { steps } of walked.value) {
    const unclear = steps.find(({ effects }) => effects.some(({ kind }) => kind === 'unknown'));
    if (unclear !== undefined) throw new Error(`${flow.title}: ${unclear.place} is not understood: ${unclear.text}`);
  }
  return walked.value;
}

/** What a way means to the client. Nobody listens on the node but the sockets that the lab opens there. */
export function readWay(flow: Flow, way: TracedWay, mark = foreignMark): Outcome {
  const { end, packet } = way;
  if (end === 'refused') return { verdict: 'refused' };
  if (end === 'dropped') return { verdict: 'timeout' };
  if (end === 'unroutable') return { verdict: 'failed', code: end };
  if (end === 'sent' && way.mark !== mark) return { verdict: 'failed', code: `mark 0x${way.mark.toString(16)} on the wire` };
  const backend = backendAt(way);
  const translated = packet.destination !== flow.destination || packet.destinationPort !== flow.port;
  if (translated && backend === null) return { verdict: 'failed', code: `sent to ${packet.destination}, where nothing answers` };
  return backend === null ? { verdict: 'untouched' } : { verdict: 'answered', backend, source: packet.source };
}

/** The socket the packet reaches, among those the lab would have opened. */
function backendAt({ packet: { destination, destinationPort: port }, end }: TracedWay): string | null {
  const pod = plan.pods.find(({ addresses }) => Object.values(addresses).includes(destination));
  const host = end === 'local' ? plan.node1 : pod;
  const ports = [8080, 9090, ...(destination === '127.0.0.1' ? [7070] : [])];
  return host !== undefined && ports.includes(port) ? `${host.name}:${port}` : null;
}

function asPrefix(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix === null) throw new TypeError(`not a prefix: ${text}`);
  return prefix;
}

function asAddress(text: string): Address {
  const address = parseAddress(text);
  if (address === null) throw new TypeError(`not an address: ${text}`);
  return address;
}

import { isLoopback, parseAddress, prefixContains } from '../../src/model/mod.ts';
import type { Address, ClientClass, DataPlaneSettings, Family, Frontend, PodTraffic } from '../../src/model/mod.ts';
import { nodeNames } from '../lab/addressing.ts';
import { deriveGroup, localAddresses } from './derive.ts';
import type { FamilyWish } from './derive.ts';
import type { Flow, Group } from './flow.ts';
import type { Outcome } from './judge.ts';
import { hostNamed, plan } from './objects.ts';
import { hostOf } from './senders.ts';
import type { FlowTracer } from './tracer.ts';

/** A packet on its way into the node. */
interface Packet {
  readonly source: Address;
  readonly destination: Address;
  readonly client: ClientClass;
}

/**
 * Answers flows from frontends alone, as the plainest data plane imaginable would, with the few points in
 * which iptables differs (specification 3.4). What it gets wrong is wrong above every data plane.
 */
export function traceFrontends(group: Group): FlowTracer {
  const wishes: Readonly<Record<Family, FamilyWish>> = {
    IPv4: deriveGroup(group, 'IPv4'),
    IPv6: deriveGroup(group, 'IPv6'),
  };
  return (flow) => {
    const wish = wishes[flow.family];
    const packet = readPacket(flow, wish.settings.podTraffic);
    const frontend = findFrontend(flow, packet, wish);
    return frontend === null ? endWithoutFrontend(flow, packet) : follow(frontend, packet);
  };
}

/** True for a flow that is decided by more than frontends: what may reach the node's loopback sockets. */
export function isBelowFrontends(flow: Flow): boolean {
  return flow.port === 7070;
}

function readPacket(flow: Flow, podTraffic: PodTraffic): Packet {
  const host = hostNamed(hostOf(flow.from));
  const destination = asAddress(flow.destination);
  const own = flow.from === 'node' && localAddresses.includes(destination);
  const source = own ? destination : asAddress(host.addresses[flow.family]);
  return { source, destination, client: classify(flow, source, podTraffic) };
}

function classify(flow: Flow, source: Address, podTraffic: PodTraffic): ClientClass {
  const host = hostOf(flow.from);
  const device = `pod-${host}`;
  if (flow.from === 'node') return 'node';
  const isPod = {
    none: () => false,
    source: () => podTraffic.kind === 'source' && prefixContains(podTraffic.prefix, source),
    interface: () => podTraffic.kind === 'interface' && device === podTraffic.name,
    'interface-prefix': () =>
      podTraffic.kind === 'interface-prefix' && hostNamed(host).kind === 'pod' && device.startsWith(podTraffic.prefix),
  };
  return isPod[podTraffic.kind]() ? 'pod' : 'outside';
}

/** A Service address comes before a node port (specification 2.1). */
function findFrontend(flow: Flow, packet: Packet, { services, settings }: FamilyWish): Frontend | null {
  const matching = [...services.values()].flat().filter(({ protocol, port }) => protocol === flow.protocol && port === flow.port);
  const byAddress = matching.find(({ address }) => address === packet.destination);
  if (byAddress !== undefined) return byAddress;
  const nodePort = matching.find(({ kind }) => kind === 'NodePort');
  if (nodePort === undefined || !localAddresses.includes(packet.destination)) return null;
  // In iptables mode a refusal is not limited to the addresses that accept node ports (specification 3.4).
  const refused = nodePort.routes[packet.client].verdict === 'reject';
  return refused || acceptsNodePorts(settings, packet.destination) ? nodePort : null;
}

function acceptsNodePorts({ nodePorts }: DataPlaneSettings, destination: Address): boolean {
  if (nodePorts.kind === 'listed') return nodePorts.addresses.includes(destination);
  return nodePorts.loopback || !isLoopback(destination) ? destination !== '::1' : false;
}

function follow(frontend: Frontend, packet: Packet): readonly Outcome[] {
  const route = frontend.routes[packet.client];
  if (route.verdict === 'reject') {
    // Rejected at input and forward, which a locally made packet to another address does not pass (specification 13).
    const leaves = packet.client === 'node' && (frontend.kind === 'ExternalIP' || frontend.kind === 'LoadBalancerIP');
    return [{ verdict: leaves ? 'untouched' : 'refused' }];
  }
  const { allowedSources } = frontend;
  const allowed = allowedSources === null || allowedSources.prefixes.some((prefix) => prefixContains(prefix, packet.source));
  if (!allowed || route.verdict === 'drop') return [{ verdict: 'timeout' }];
  return route.pool.backends.map(({ address, port }) => {
    const hairpin = address === packet.source;
    const node = plan.node1.addresses[frontend.family];
    const source = route.masquerade || hairpin || isLoopback(packet.source) ? node : packet.source;
    return { verdict: 'answered', backend: `${hostAt(address)}:${port}`, source };
  });
}

function endWithoutFrontend(flow: Flow, packet: Packet): readonly Outcome[] {
  const direct = hostAt(packet.destination);
  if (direct === null || nodeNames[direct] !== undefined) return [{ verdict: 'untouched' }];
  return [{ verdict: 'answered', backend: `${direct}:${flow.port}`, source: packet.source }];
}

function hostAt(address: string): string | null {
  const hosts = [...plan.pods, plan.node1, plan.node2];
  return hosts.find(({ addresses }) => Object.values(addresses).includes(address))?.name ?? null;
}

function asAddress(text: string): Address {
  const address = parseAddress(text);
  if (address === null) throw new TypeError(`not an address: ${text}`);
  return address;
}

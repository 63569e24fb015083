import type { Cluster, RawService } from './cluster.ts';
import { clients, deviceTo, endpointHosts, machine, secondAddress } from './hosts.ts';
import { isLocal } from './reference.ts';
import type { Packet } from './reference.ts';
import { readAddress } from './reference-address.ts';

/** Somewhere to send to. */
interface Point {
  readonly family: 'IPv4' | 'IPv6';
  readonly destination: string;
  readonly protocol: string;
  readonly port: number;
}

/**
 * Packets to every frontend that Services had before an edit or have after it, from every kind of
 * client. Node ports are asked for at one address, the next one each turn.
 */
export function makeProbes(before: Cluster, after: Cluster, keys: Iterable<string>, turn: number): readonly Packet[] {
  const points = new Map<string, Point>();
  for (const key of keys) {
    for (const service of [before.services.get(key), after.services.get(key)]) {
      if (service === undefined) continue;
      for (const point of pointsOf(service, after, turn)) points.set(Object.values(point).join(' '), point);
    }
  }
  return [...points.values()].flatMap((point, at) => packetsTo(point, after, turn + at));
}

function pointsOf({ spec, status }: RawService, cluster: Cluster, turn: number): Point[] {
  const ingress = (status.loadBalancer.ingress ?? []).flatMap(({ ip }) => (ip === undefined ? [] : [ip]));
  const written = [spec.clusterIP ?? '', ...(spec.clusterIPs ?? []), ...(spec.externalIPs ?? []), ...ingress];
  const service = written.flatMap((text) => (readAddress(text) === null ? [] : [text.replace('198.051.', '198.51.')]));
  const local = [
    ...Object.values(machine),
    ...Object.values(secondAddress),
    '127.0.0.1',
    '::1',
    ...cluster.interfaces,
    ...service,
  ];
  return spec.ports.flatMap(({ protocol = 'TCP', port, nodePort = 0 }, index) => {
    const stray = (turn + index) % 7 === 0 ? [9] : [];
    const at = (destination: string, number: number): Point => ({
      family: destination.includes(':') ? 'IPv6' : 'IPv4',
      destination,
      protocol,
      port: number,
    });
    const nodePorts = nodePort === 0 ? [] : [at(local[(turn + index) % local.length] ?? machine.IPv4, nodePort)];
    return [...service.flatMap((address) => [port, ...stray].map((number) => at(address, number))), ...nodePorts];
  });
}

/** A pod here, a pod elsewhere, a process of the node, somebody outside, and an endpoint. */
function packetsTo(point: Point, cluster: Cluster, turn: number): Packet[] {
  const { family, destination } = point;
  const loopback = destination === '::1' || destination.startsWith('127.');
  const own: Packet = { ...point, source: isLocal({ cluster }, destination) ? destination : machine[family], device: null };
  // A packet from elsewhere to a loopback address is no business of a Service.
  if (loopback) return [own];
  const itself = endpointHosts[turn % endpointHosts.length]?.[family] ?? clients.podHere[family];
  const hosts = [clients.podHere[family], clients.podElsewhere[family], clients.outside[family]];
  const sources = itself === machine[family] ? hosts : [...hosts, itself];
  return [own, ...sources.map((source) => ({ ...point, source, device: deviceTo(source) }))];
}

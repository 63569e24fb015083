import { formatEndpoint } from '../model/mod.ts';
import type { Family, ServiceRecord, SliceRecord } from '../model/mod.ts';
import { servingEndpoints } from './serving-endpoints.ts';
import { deriveFrontends } from './view.ts';
import type { Viewpoint } from './view.ts';

/**
 * Names the destinations of a frontend: `address:port`, or `*:port` for a node port, which is that port on every
 * address that accepts node ports.
 */
export type FrontendKey = string;

/** One UDP service port, as far as the connections to it are concerned. */
export interface UdpPort {
  readonly frontends: readonly FrontendKey[];
  /** `ip:port` of every endpoint that may keep its flows. */
  readonly backends: ReadonlySet<string>;
}

export function nodePortKey(port: number): FrontendKey {
  return `*:${port}`;
}

/** The port number at the end of a key. */
export function portOf(key: FrontendKey): number {
  return Number(key.slice(key.lastIndexOf(':') + 1));
}

/** The UDP ports of a Service in one family; none where it is not proxied (specification 1.2). */
export function deriveUdpPorts(service: ServiceRecord, slices: readonly SliceRecord[], family: Family): readonly UdpPort[] {
  return service.ports
    .filter((port) => port.protocol === 'UDP')
    .map((port) => ({
      // Where a frontend listens depends on neither endpoints nor the node, so neither is asked for.
      frontends: deriveFrontends({ ...service, ports: [port] }, [], nowhere(family)).map(({ address, port: number }) =>
        address === null ? nodePortKey(number) : formatEndpoint(address, number),
      ),
      backends: servingEndpoints(port, slices, family),
    }))
    .filter((port) => port.frontends.length > 0);
}

/** True if both lists say the same of the same ports. */
export function sameUdpPorts(a: readonly UdpPort[], b: readonly UdpPort[]): boolean {
  return a.length === b.length && a.every((port, index) => sameUdpPort(port, b[index]));
}

function sameUdpPort(a: UdpPort, b: UdpPort | undefined): boolean {
  if (b === undefined || a.frontends.length !== b.frontends.length || a.backends.size !== b.backends.size) return false;
  return a.frontends.every((key, index) => key === b.frontends[index]) && [...a.backends].every((one) => b.backends.has(one));
}

function nowhere(family: Family): Viewpoint {
  return { family, nodeName: '', zone: null, nodeAddress: null, detectsPods: false, masqueradeAll: false, externalIps: true };
}

import { formatEndpoint } from '../model/mod.ts';
import type { Family, ServicePortRecord, SliceRecord } from '../model/mod.ts';
import { mergeEndpoints } from './merge-endpoints.ts';

/**
 * The `ip:port` texts of all endpoints of a service port that serve, terminating or not, on any node. Traffic
 * policies and topology do not count: a flow may go on to an endpoint that would not be chosen for a new one.
 */
export function servingEndpoints(
  port: Pick<ServicePortRecord, 'name' | 'protocol'>,
  slices: readonly SliceRecord[],
  family: Family,
): ReadonlySet<string> {
  const merged = mergeEndpoints(slices, { family, name: port.name, protocol: port.protocol });
  return new Set(
    merged.filter((endpoint) => endpoint.serving).map(({ address, port: number }) => formatEndpoint(address, number)),
  );
}

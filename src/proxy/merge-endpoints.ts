import { compareText, formatEndpoint } from '../model/mod.ts';
import type { EndpointRecord, Family, Protocol, SliceRecord } from '../model/mod.ts';

/** An endpoint of one service port, with the port number its slice gives. */
export interface MergedEndpoint extends EndpointRecord {
  readonly port: number;
}

/**
 * Unites what all slices of a Service say about one port (specification 1.3), ordered by `ip:port`.
 * Where an endpoint occurs twice, one that is not terminating wins, then one that is ready, then the
 * later slice.
 */
export function mergeEndpoints(
  slices: readonly SliceRecord[],
  wanted: { readonly family: Family; readonly name: string; readonly protocol: Protocol },
): MergedEndpoint[] {
  const merged = new Map<string, MergedEndpoint>();
  for (const slice of slices) {
    if (slice.family !== wanted.family) continue;
    for (const { name, protocol, port } of slice.ports) {
      if (name !== wanted.name || protocol !== wanted.protocol) continue;
      for (const endpoint of slice.endpoints) {
        const key = formatEndpoint(endpoint.address, port);
        const known = merged.get(key);
        if (known === undefined || rank(endpoint) >= rank(known)) merged.set(key, { ...endpoint, port });
      }
    }
  }
  return [...merged].toSorted((a, b) => compareText(a[0], b[0])).map(([, endpoint]) => endpoint);
}

function rank(endpoint: EndpointRecord): number {
  return (endpoint.terminating ? 0 : 2) + (endpoint.ready ? 1 : 0);
}

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
  const found: { readonly key: string; readonly endpoint: MergedEndpoint }[] = [];
  for (const slice of slices) {
    if (slice.family !== wanted.family) continue;
    for (const { name, protocol, port } of slice.ports) {
      if (name !== wanted.name || protocol !== wanted.protocol) continue;
      for (const one of slice.endpoints) found.push({ key: formatEndpoint(one.address, port), endpoint: withPort(one, port) });
    }
  }
  found.sort((a, b) => compareText(a.key, b.key));
  const merged: MergedEndpoint[] = [];
  let last = '';
  for (const { key, endpoint } of found) {
    const known = key === last ? merged.at(-1) : undefined;
    if (known === undefined) merged.push(endpoint);
    else if (rank(endpoint) >= rank(known)) merged[merged.length - 1] = endpoint;
    last = key;
  }
  return merged;
}

/** Field by field: there may be hundreds of thousands, and to copy whatever there is takes twice as long. */
function withPort(endpoint: EndpointRecord, port: number): MergedEndpoint {
  const { address, ready, serving, terminating, nodeName, zone, zoneHints, nodeHints, hostname, podName } = endpoint;
  return { address, ready, serving, terminating, nodeName, zone, zoneHints, nodeHints, hostname, podName, port };
}

function rank(endpoint: EndpointRecord): number {
  return (endpoint.terminating ? 0 : 2) + (endpoint.ready ? 1 : 0);
}

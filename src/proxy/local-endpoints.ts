import type { Family, ServiceRecord, SliceRecord } from '../model/mod.ts';
import { mergeEndpoints } from './merge-endpoints.ts';

/**
 * How many pods of this node take new connections of a Service: distinct addresses of ready local endpoints over
 * all its ports (specification 7.3). A pod that terminates is not ready, though it may still be sent traffic, so
 * that load balancers drain the node in time (KEP-1669).
 */
export function countLocalEndpoints(
  service: ServiceRecord,
  slices: readonly SliceRecord[],
  from: { readonly family: Family; readonly nodeName: string },
): number {
  const addresses = new Set<string>();
  for (const { name, protocol } of service.ports) {
    for (const { address, ready, nodeName } of mergeEndpoints(slices, { family: from.family, name, protocol })) {
      if (ready && nodeName === from.nodeName) addresses.add(address);
    }
  }
  return addresses.size;
}

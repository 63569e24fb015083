import { splitServiceKey } from '../model/mod.ts';
import type { EndpointRecord, ServiceKey, Snapshot } from '../model/mod.ts';
import { jsonReply } from '../observe/mod.ts';
import type { Page } from '../observe/mod.ts';
import type { NamedEndpoint } from './agent-names.ts';

/** More are not told: who asks for that many asks for everything. */
const mostEndpoints = 1000;

/**
 * `/endpoints` of the debug address: the endpoints at the addresses that `address` names, once or more often, or of the pod
 * `pod` (`namespace/name`). Each is looked for among all of them, which is for people to ask and not for programs.
 */
export function makeEndpointPages(snapshot: () => Snapshot | null): ReadonlyMap<string, Page> {
  return new Map<string, Page>([
    [
      '/endpoints',
      ({ query }) => {
        const addresses = new Set(query.getAll('address'));
        const pod = query.get('pod');
        const known = snapshot();
        return jsonReply(200, { endpoints: known === null ? [] : findEndpoints(known, addresses, pod) });
      },
    ],
  ]);
}

function findEndpoints(snapshot: Snapshot, addresses: ReadonlySet<string>, pod: string | null): readonly NamedEndpoint[] {
  const found = new Map<string, NamedEndpoint>();
  for (const [service, slices] of snapshot.slices) {
    for (const slice of slices) {
      for (const endpoint of slice.endpoints) {
        // There may be very many, and nearly all are somebody else's.
        if (!addresses.has(endpoint.address) && (pod === null || podOf(service, endpoint) !== pod)) continue;
        found.set(`${service} ${endpoint.address}`, nameEndpoint(service, endpoint));
        if (found.size >= mostEndpoints) return [...found.values()];
      }
    }
  }
  return [...found.values()];
}

function nameEndpoint(service: ServiceKey, endpoint: EndpointRecord): NamedEndpoint {
  return { address: endpoint.address, service, node: endpoint.nodeName, pod: podOf(service, endpoint) };
}

/** An endpoint's Pod lives in the namespace of its Service. */
function podOf(service: ServiceKey, { podName }: EndpointRecord): string | null {
  return podName === null ? null : `${splitServiceKey(service).namespace}/${podName}`;
}

import { compareText } from '../model/mod.ts';
import type { BackendConnections } from '../model/mod.ts';
import type { CountSum, ServiceSum } from './count-adder.ts';

/** What connections are added up by. */
export type TopUnit = 'service' | 'endpoint';

/** What the kernel counts of a Service, or of one of its endpoints, over all its virtual servers. */
export interface TopRow extends BackendConnections {
  readonly service: string;
  /** Null: of all its endpoints. */
  readonly endpoint: string | null;
  /** By how much the counts grew in a second; less than 0 where more ended than began. */
  readonly activePerSecond: number;
  readonly inactivePerSecond: number;
  /** What passed in a second; null where it is not known. */
  readonly connectionsPerSecond: number | null;
  readonly inPacketsPerSecond: number | null;
  readonly outPacketsPerSecond: number | null;
  readonly inBytesPerSecond: number | null;
  readonly outBytesPerSecond: number | null;
  /** One of its endpoints left and serves the connections it has. */
  readonly draining: boolean;
}

/** Rows of the Services that were added up, or of their endpoints: the most active first. */
export function sortRows(
  services: readonly ServiceSum[],
  { by, namespace }: { readonly by: TopUnit; readonly namespace?: string },
): readonly TopRow[] {
  return services
    .filter(({ service }) => namespace === undefined || service.startsWith(`${namespace}/`))
    .flatMap(({ service, endpoints, ...total }) =>
      by === 'service' ? [rowOf(service, null, total)] : endpoints.map(({ endpoint, ...sum }) => rowOf(service, endpoint, sum)),
    )
    .toSorted(
      (a, b) =>
        b.active - a.active ||
        b.inactive - a.inactive ||
        compareText(a.service, b.service) ||
        compareText(a.endpoint ?? '', b.endpoint ?? ''),
    );
}

function rowOf(service: string, endpoint: string | null, { perSecond, draining, ...counts }: CountSum): TopRow {
  return {
    service,
    endpoint,
    ...counts,
    activePerSecond: perSecond.active,
    inactivePerSecond: perSecond.inactive,
    connectionsPerSecond: perSecond.connections,
    inPacketsPerSecond: perSecond.inPackets,
    outPacketsPerSecond: perSecond.outPackets,
    inBytesPerSecond: perSecond.inBytes,
    outBytesPerSecond: perSecond.outBytes,
    draining,
  };
}

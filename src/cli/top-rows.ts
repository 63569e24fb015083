import { compareText } from '../model/mod.ts';
import type { BackendConnections } from '../model/mod.ts';
import type { ConnectionsReport } from '../observe/mod.ts';

/** What connections are added up by. */
export type TopUnit = 'service' | 'endpoint';

/** Connections of a Service, or of one of its endpoints, over all its virtual servers. */
export interface TopRow extends BackendConnections {
  readonly service: string;
  /** Null: of all its endpoints. */
  readonly endpoint: string | null;
  /** By how much the counts grew in a second; less than 0 where more ended than began. */
  readonly activePerSecond: number;
  readonly inactivePerSecond: number;
  /** One of its endpoints left and serves the connections it has. */
  readonly draining: boolean;
}

interface Sum extends BackendConnections {
  readonly service: string;
  readonly endpoint: string | null;
  readonly draining: boolean;
}

/**
 * What two looks at the kernel make, `seconds` apart: the most active first. What was not there at the first look had no
 * connections. Virtual servers of other programs are left out.
 */
export function compareCounts(
  before: ConnectionsReport,
  after: ConnectionsReport,
  { seconds, by, namespace }: { readonly seconds: number; readonly by: TopUnit; readonly namespace?: string },
): readonly TopRow[] {
  const earlier = addUp(before, by);
  const rows = [...addUp(after, by)].map(([key, sum]): TopRow => {
    const { active = 0, inactive = 0 } = earlier.get(key) ?? {};
    return {
      ...sum,
      activePerSecond: (sum.active - active) / seconds,
      inactivePerSecond: (sum.inactive - inactive) / seconds,
    };
  });
  return rows
    .filter(({ service }) => namespace === undefined || service.startsWith(`${namespace}/`))
    .toSorted(
      (a, b) =>
        b.active - a.active ||
        b.inactive - a.inactive ||
        compareText(a.service, b.service) ||
        compareText(a.endpoint ?? '', b.endpoint ?? ''),
    );
}

function addUp({ families }: ConnectionsReport, by: TopUnit): ReadonlyMap<string, Sum> {
  const sums = new Map<string, Sum>();
  for (const { service, destinations } of families.flatMap(({ servers }) => servers)) {
    if (service === null) continue;
    for (const { endpoint: place, active, inactive, persistent, draining } of destinations) {
      const endpoint = by === 'endpoint' ? place : null;
      const key = `${service} ${endpoint ?? ''}`;
      const sum = sums.get(key) ?? { service, endpoint, active: 0, inactive: 0, persistent: 0, draining: false };
      sums.set(key, {
        ...sum,
        active: sum.active + active,
        inactive: sum.inactive + inactive,
        persistent: sum.persistent + persistent,
        draining: sum.draining || draining,
      });
    }
  }
  return sums;
}

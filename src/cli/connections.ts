import type { DataPlane, Problem } from '../model/mod.ts';
import { formatTable } from '../observe/mod.ts';
import type { ConnectionsReport, FamilyConnections } from '../observe/mod.ts';

/** What the data planes count, and why one of them could not. */
export interface ConnectionCounts {
  readonly families: readonly FamilyConnections[];
  readonly problems: readonly Problem[];
}

/** Asks the data planes that can count. A family that fails does not hide the other. */
export async function collectConnections(
  planes: readonly Pick<DataPlane, 'family' | 'connections'>[],
): Promise<ConnectionCounts> {
  const families: FamilyConnections[] = [];
  const problems: Problem[] = [];
  for (const plane of planes) {
    const counted = await plane.connections?.();
    if (counted === undefined) continue;
    if (counted.ok) families.push({ family: plane.family, servers: counted.value });
    else problems.push(counted.problem);
  }
  return { families, problems };
}

/** Which virtual servers of a report to show. */
export interface ConnectionSelection {
  readonly namespace?: string;
  /** Other programs' too. */
  readonly foreign: boolean;
}

export function selectConnections(report: ConnectionsReport, { namespace, foreign }: ConnectionSelection): ConnectionsReport {
  const families = report.families.map(({ family, servers }) => ({
    family,
    servers: servers.filter(({ service }) =>
      service === null ? foreign && namespace === undefined : namespace === undefined || service.startsWith(`${namespace}/`),
    ),
  }));
  return { ...report, families };
}

/** One line for each destination of each virtual server. */
export function formatConnections({ families }: ConnectionsReport): string {
  const columns = [
    { title: 'SERVICE' },
    { title: 'SERVER' },
    { title: 'ENDPOINT' },
    { title: 'WEIGHT', align: 'right' as const },
    { title: 'ACTIVE', align: 'right' as const },
    { title: 'INACTIVE', align: 'right' as const },
    { title: 'PERSISTENT', align: 'right' as const },
    { title: 'STATE' },
  ];
  const cells = families.flatMap(({ servers }) =>
    servers.flatMap(({ service, server, destinations }) => {
      const head = [service ?? '(another program)', server];
      if (destinations.length === 0) return [[...head, '-', '-', '-', '-', '-', '']];
      return destinations.map(({ endpoint, weight, active, inactive, persistent, draining }) => [
        ...head,
        endpoint,
        ...[weight, active, inactive, persistent].map(String),
        draining ? 'draining' : '',
      ]);
    }),
  );
  return formatTable(columns, cells);
}

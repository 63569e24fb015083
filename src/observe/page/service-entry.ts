import type { RowState, ServiceRows, StatusRow } from '../../model/mod.ts';
import { formatPlace } from './format.ts';

/** A Service as one line of the list. */
export interface ServiceEntry {
  readonly service: string;
  readonly namespace: string;
  readonly name: string;
  readonly rows: readonly StatusRow[];
  /** The worst of its frontends. */
  readonly state: RowState;
  /** The frontend to be shown where there is room for one; the others are counted in `more`. */
  readonly frontend: string;
  readonly more: number;
  /** Of the frontend that has most. */
  readonly backends: number;
  /** What becomes of connections where no frontend forwards any; empty where one does. */
  readonly refused: '' | 'reject' | 'drop';
  /** When the last of its frontends entered its state. */
  readonly since: number;
  /** All that a search may find, in lower case. */
  readonly haystack: string;
}

const worstFirst: readonly RowState[] = ['Error', 'Pending', 'Done'];
const kindOrder: readonly StatusRow['kind'][] = ['ClusterIP', 'LoadBalancerIP', 'ExternalIP', 'NodePort'];

/** The line of a Service; null where it has no rows: it is gone. */
export function describeService({ service, rows }: ServiceRows): ServiceEntry | null {
  const ordered = rows.toSorted((a, b) => kindOrder.indexOf(a.kind) - kindOrder.indexOf(b.kind));
  const [first] = ordered;
  if (first === undefined) return null;
  const slash = service.indexOf('/');
  return {
    service,
    namespace: service.slice(0, slash),
    name: service.slice(slash + 1),
    rows: ordered,
    state: worstFirst.find((state) => rows.some((row) => row.state === state)) ?? first.state,
    frontend: formatFrontend(first),
    more: rows.length - 1,
    backends: Math.max(...rows.map(({ backends }) => backends)),
    refused: first.verdict === 'forward' || rows.some(({ verdict }) => verdict === 'forward') ? '' : first.verdict,
    since: Math.max(...rows.map(({ since }) => since)),
    haystack: [service, ...rows.map(textOf)].join('\n').toLowerCase(),
  };
}

/** `10.96.0.1:80/TCP`, or `node port 30080/TCP`. */
export function formatFrontend({ address, port, protocol }: StatusRow): string {
  return address === '*' ? `node port ${port}/${protocol}` : `${formatPlace(address, port)}/${protocol}`;
}

/** The port's name out of `namespace/name:port-name/protocol`; empty where it has none. */
export function portNameOf({ service, servicePort }: StatusRow): string {
  return servicePort.slice(service.length + 1, servicePort.lastIndexOf('/'));
}

function textOf(row: StatusRow): string {
  return [row.servicePort, row.kind, formatFrontend(row), row.verdict, row.state, row.code, row.reason].join(' ');
}

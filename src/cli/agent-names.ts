import * as v from 'valibot';
import { formatEndpoint, parseAddress } from '../model/mod.ts';
import type { Address, Family, Outcome, Protocol, StatusRow } from '../model/mod.ts';
import { askAgent, askPage } from './ask-agent.ts';

/** An endpoint as the running agent knows it. */
export interface NamedEndpoint {
  readonly address: string;
  /** `namespace/name`. */
  readonly service: string;
  readonly node: string | null;
  /** `namespace/name`; null where the agent keeps no names of pods. */
  readonly pod: string | null;
}

const endpointSchema = v.object({
  address: v.string(),
  service: v.string(),
  node: v.nullable(v.string()),
  pod: v.nullable(v.string()),
});

const endpointsSchema = v.object({ endpoints: v.array(endpointSchema) });

/** What the running agent calls things; all of it empty, and why in `gap`, where none answers. */
export interface AgentNames {
  readonly rows: readonly StatusRow[];
  readonly gap: string | null;
}

export async function askNames(url: string): Promise<AgentNames> {
  const asked = await askAgent(url);
  return asked.ok ? { rows: asked.value.rows, gap: null } : { rows: [], gap: `names of Services: ${asked.problem.message}` };
}

/** Endpoints at the given addresses, or of a pod. Fails as `askAgent` does. */
export async function askEndpoints(
  url: string,
  query: { readonly addresses: readonly string[] } | { readonly pod: string },
): Promise<Outcome<readonly NamedEndpoint[]>> {
  const pairs: [string, string][] =
    'pod' in query ? [['pod', query.pod]] : query.addresses.map((address) => ['address', address]);
  const asked = await askPage(url, `/endpoints?${new URLSearchParams(pairs).toString()}`, endpointsSchema);
  return asked.ok ? { ok: true, value: asked.value.endpoints } : asked;
}

/** The row for what a packet is sent to: a Service address comes before a node port (specification 2.1). */
export function findRow(
  rows: readonly StatusRow[],
  { family, protocol, address, port }: Destination,
  isLocal: boolean,
): StatusRow | null {
  const here = rows.filter((row) => row.family === family && row.protocol === protocol && row.port === port);
  return (
    here.find((row) => row.address === address) ?? (isLocal ? here.find((row) => row.kind === 'NodePort') : undefined) ?? null
  );
}

export interface Destination {
  readonly family: Family;
  readonly protocol: Protocol;
  readonly address: Address;
  readonly port: number;
}

/** The pod, else which Service's endpoint it is, of `service` where several have it, and on which node. */
export function nameEndpoint(endpoints: readonly NamedEndpoint[], address: string, service: string | null): string | null {
  const here = endpoints.filter((one) => parseAddress(one.address) === address);
  const found = here.find((one) => one.service === service) ?? here[0];
  if (found === undefined) return null;
  const place = found.node === null ? '' : ` on ${found.node}`;
  return found.pod === null ? `endpoint of ${found.service}${place}` : `pod ${found.pod}${place}`;
}

/** The destinations of a Service among the rows: of its ClusterIP, and where it has none of that port, none. */
export function findServicePorts(
  rows: readonly StatusRow[],
  { name, port, protocol }: { readonly name: string; readonly port: number | string | null; readonly protocol: Protocol | null },
): readonly StatusRow[] {
  return rows.filter(
    (row) =>
      row.kind === 'ClusterIP' &&
      row.service === name &&
      (protocol === null || row.protocol === protocol) &&
      (port === null || row.port === port || portNameOf(row) === port),
  );
}

/** The port's name out of `namespace/name:port-name/protocol`. */
function portNameOf({ service, servicePort }: StatusRow): string {
  return servicePort.slice(service.length + 1, servicePort.lastIndexOf('/'));
}

/** For messages: `http (10.96.0.1:80/TCP)`. */
export function describePort(row: StatusRow): string {
  const place = `${formatEndpoint(row.address, row.port)}/${row.protocol}`;
  const name = portNameOf(row);
  return name === '' ? place : `${name} (${place})`;
}

import * as v from 'valibot';
import { formatEndpoint, parseAddress, protocols, succeed } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';
import { formatTable } from '../observe/mod.ts';
import type { EndpointPart, EndpointUse, UnusedReason } from '../proxy/mod.ts';
import { placeOf } from './agent-place.ts';
import { askAgent, askPage, tellUnanswered } from './ask-agent.ts';
import type { EndpointUses } from './endpoint-use-page.ts';
import { printDocument } from './print-document.ts';
import type { DocumentFormat } from './print-document.ts';
import type { Terminal } from './terminal.ts';

export interface EndpointsOptions {
  readonly url: string;
  readonly from?: string;
  readonly output: 'table' | DocumentFormat;
  readonly namespace?: string;
}

const reasons: Readonly<Record<UnusedReason, string>> = {
  'not-ready': 'not ready',
  'check-failed': 'health check failed',
  terminating: 'terminating, others are ready',
  'not-local': 'not on this node (policy Local)',
  'other-zone': 'hinted for another zone',
  'other-node': 'hinted for another node',
  'no-weight': 'has the weight 0',
};

const partSchema = v.variant('used', [
  v.object({ used: v.literal(true), weight: v.number() }),
  v.object({ used: v.literal(false), why: v.picklist(Object.keys(reasons) as UnusedReason[]) }),
]);

const useSchema = v.object({
  service: v.string(),
  family: v.picklist(['IPv4', 'IPv6']),
  portName: v.string(),
  protocol: v.picklist(protocols),
  address: v.custom<Address>((text) => typeof text === 'string' && parseAddress(text) !== null),
  port: v.number(),
  node: v.nullable(v.string()),
  zone: v.nullable(v.string()),
  local: v.boolean(),
  ready: v.boolean(),
  serving: v.boolean(),
  terminating: v.boolean(),
  inside: partSchema,
  outside: v.nullable(partSchema),
});

const usesSchema = v.object({
  node: v.string(),
  listed: v.boolean(),
  unknown: v.array(v.string()),
  endpoints: v.array(useSchema),
});

/**
 * `waypost endpoints`: the endpoints of a Service, or of all, as the running agent sees them. Gives the exit code: 1 where the
 * agent does not know the Service or does not answer, 2 where the name is none.
 */
export async function runEndpoints(name: string | undefined, options: EndpointsOptions, terminal: Terminal): Promise<number> {
  const service = name === undefined || name.includes('/') ? name : `${options.namespace ?? ''}/${name}`;
  if (service !== undefined && !/^[^/]+\/[^/]+$/.test(service)) {
    terminal.err(`waypost: SERVICE must be NAMESPACE/NAME, or NAME with --namespace, not "${name ?? ''}"\n`);
    return 2;
  }
  if (service !== undefined && options.namespace !== undefined && !service.startsWith(`${options.namespace}/`)) {
    terminal.err(`waypost: SERVICE ${service} is not in the namespace that --namespace names, "${options.namespace}"\n`);
    return 2;
  }
  const asked = await askUses(service, options);
  if (!asked.ok) return tellUnanswered(asked.problem, terminal);
  const uses = asked.value;
  if (!uses.listed) terminal.err('The agent has not read the cluster yet: what is shown may be partial.\n');
  if (uses.unknown.length > 0) {
    terminal.err(
      `waypost: the agent serves no Service ${uses.unknown.join(', ')}: there is none of that name, or it is headless, of type ExternalName or another proxy's\n`,
    );
    return 1;
  }
  if (options.output !== 'table') printDocument({ version: 1, ...uses }, options.output, terminal);
  else if (uses.endpoints.length === 0)
    terminal.err(service === undefined ? 'No endpoints to show.\n' : `Service ${service} has no endpoints.\n`);
  else terminal.out(formatUses(uses));
  return 0;
}

async function askUses(service: string | undefined, options: EndpointsOptions): ReturnType<typeof askPage<EndpointUses>> {
  const { namespace } = options;
  const query = new URLSearchParams(
    service !== undefined ? { service } : namespace !== undefined ? { namespace } : {},
  ).toString();
  const asked = await askPage<EndpointUses>(placeOf(options), `/endpoints/use${query === '' ? '' : `?${query}`}`, usesSchema);
  if (!asked.ok || options.from === undefined) return asked;
  const frontends = await askAgent(placeOf(options));
  const served = new Set(frontends.ok ? frontends.value.rows.map((row) => row.service) : []);
  return succeed(selectUses(asked.value, served, service, namespace));
}

/** Of what was saved, which is of all Services, what an agent would have answered. `served`: Services that have frontends. */
function selectUses(
  uses: EndpointUses,
  served: ReadonlySet<string>,
  service: string | undefined,
  namespace: string | undefined,
): EndpointUses {
  const endpoints = uses.endpoints.filter((use) =>
    service !== undefined ? use.service === service : namespace === undefined || use.service.startsWith(`${namespace}/`),
  );
  const unknown = service === undefined || endpoints.length > 0 || served.has(service) ? [] : [service];
  return { ...uses, unknown, endpoints };
}

function formatUses({ endpoints }: EndpointUses): string {
  const columns = [
    { title: 'SERVICE' },
    { title: 'PORT' },
    { title: 'ENDPOINT' },
    { title: 'NODE' },
    { title: 'ZONE' },
    { title: 'STATE' },
    { title: 'INSIDE' },
    { title: 'OUTSIDE' },
  ];
  const cells = endpoints.map((use) => [
    use.service,
    use.portName || '-',
    `${use.protocol} ${formatEndpoint(use.address, use.port)}`,
    `${use.node ?? '-'}${use.local ? ' (this)' : ''}`,
    use.zone ?? '-',
    tellState(use),
    tellPart(use.inside),
    use.outside === null ? '-' : tellPart(use.outside),
  ]);
  return formatTable(columns, cells);
}

function tellState({ ready, serving, terminating }: EndpointUse): string {
  const states = [...(ready ? ['ready'] : serving ? ['serving'] : ['not ready']), ...(terminating ? ['terminating'] : [])];
  return states.join(', ');
}

function tellPart(part: EndpointPart): string {
  if (!part.used) return reasons[part.why];
  return part.weight === 1 ? 'used' : `used, weight ${part.weight}`;
}

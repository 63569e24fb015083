import * as v from 'valibot';
import { formatEndpoint } from '../model/mod.ts';
import { formatAge, formatTable } from '../observe/mod.ts';
import { placeOf, timeAt } from './agent-place.ts';
import { askConnections, askPage, tellUnanswered } from './ask-agent.ts';
import { formatConnections } from './connections.ts';
import { printDocument } from './print-document.ts';
import type { DocumentFormat } from './print-document.ts';
import { printProblems } from './terminal.ts';
import type { Terminal } from './terminal.ts';

export interface IngressOptions {
  readonly url: string;
  readonly from?: string;
  readonly output: 'table' | DocumentFormat;
  readonly namespace?: string;
}

const publicationSchema = v.object({
  service: v.string(),
  family: v.picklist(['IPv4', 'IPv6']),
  address: v.string(),
  protocol: v.string(),
  port: v.number(),
  lastPort: v.number(),
  rewritePort: v.nullable(v.number()),
  group: v.nullable(v.string()),
  capture: v.nullable(v.string()),
  affinitySeconds: v.nullable(v.number()),
  backends: v.number(),
  verdict: v.string(),
});

const healthSchema = v.object({
  service: v.string(),
  backend: v.object({ address: v.string(), protocol: v.string(), port: v.number() }),
  verdict: v.picklist(['unknown', 'live', 'dead']),
  since: v.number(),
  text: v.string(),
  checks: v.number(),
  failures: v.number(),
});

const announcedSchema = v.object({
  address: v.string(),
  owner: v.nullable(v.string()),
  undecided: v.boolean(),
  since: v.number(),
  problem: v.nullable(v.looseObject({ code: v.string(), message: v.string() })),
});

const statusSchema = v.variant('ok', [
  v.object({ ok: v.literal(false), error: v.string() }),
  v.object({
    ok: v.literal(true),
    publications: v.array(publicationSchema),
    health: v.array(healthSchema),
    pools: v.nullable(v.looseObject({ leading: v.boolean() })),
    announced: v.nullable(v.array(announcedSchema)),
  }),
]);

type Publication = v.InferOutput<typeof publicationSchema>;
type Announced = v.InferOutput<typeof announcedSchema>;
type Health = v.InferOutput<typeof healthSchema>;

/** `waypost ingress`: prints what the running agent publishes. */
export async function runIngress(options: IngressOptions, terminal: Terminal): Promise<number> {
  const place = placeOf(options);
  const asked = await askPage(place, '/ingress', statusSchema, { states: [200, 404] });
  if (!asked.ok) return tellUnanswered(asked.problem, terminal);
  if (!asked.value.ok) {
    terminal.err(`${asked.value.error}\n`);
    return 1;
  }
  const chosen = <T extends { readonly service: string }>(rows: readonly T[]): readonly T[] =>
    rows.filter(({ service }) => options.namespace === undefined || service.startsWith(`${options.namespace}/`));
  const publications = chosen(asked.value.publications);
  const health = chosen(asked.value.health);
  const { pools } = asked.value;
  const shown = new Set(publications.map(({ address }) => address));
  const announced = asked.value.announced?.filter(({ address }) => options.namespace === undefined || shown.has(address)) ?? null;
  if (options.output !== 'table') {
    const document = { version: 1, publications, health, pools, announced };
    printDocument(document, options.output, terminal);
    return 0;
  }
  if (publications.length === 0) {
    terminal.err('Nothing is published.\n');
    return 0;
  }
  terminal.out(formatPublications(publications));
  await printServers(place, new Set(publications.filter(({ group }) => group !== null).map(({ service }) => service)), terminal);
  const now = await timeAt(place);
  if (health.length > 0) terminal.out(`\n${formatHealth(health, now)}`);
  if (announced !== null && announced.length > 0) terminal.out(`\n${formatAnnounced(announced, now)}`);
  return 0;
}

/** Virtual servers of marks are there in IPVS mode alone; where they cannot be counted the rest stays. */
async function printServers(url: string, services: ReadonlySet<string>, terminal: Terminal): Promise<void> {
  if (services.size === 0) return;
  const counted = await askConnections(url);
  if (!counted.ok) {
    printProblems(terminal, [counted.problem]);
    return;
  }
  const families = counted.value.families.map(({ family, servers }) => ({
    family,
    servers: servers.filter(({ service, server }) => services.has(service ?? '') && server.startsWith('FWM')),
  }));
  terminal.out(`\n${formatConnections({ ...counted.value, families })}`);
}

/** One line for each published port or range. */
function formatPublications(rows: readonly Publication[]): string {
  const columns = [
    { title: 'SERVICE' },
    { title: 'ADDRESS' },
    { title: 'TARGET' },
    { title: 'GROUP' },
    { title: 'CAPTURE' },
    { title: 'AFFINITY', align: 'right' as const },
    { title: 'BACKENDS', align: 'right' as const },
    { title: 'VERDICT' },
  ];
  const cells = rows.map((row) => [
    row.service,
    `${row.protocol} ${formatEndpoint(row.address, row.port)}${row.lastPort === row.port ? '' : `-${row.lastPort}`}`,
    row.rewritePort === null ? '-' : String(row.rewritePort),
    row.group === null ? '-' : row.group.slice(row.service.length + 1),
    row.capture ?? '-',
    row.affinitySeconds === null ? '-' : formatAge(row.affinitySeconds * 1000),
    String(row.backends),
    row.verdict,
  ]);
  return formatTable(columns, cells);
}

function formatHealth(rows: readonly Health[], now: number): string {
  const columns = [
    { title: 'SERVICE' },
    { title: 'BACKEND' },
    { title: 'HEALTH' },
    { title: 'SINCE', align: 'right' as const },
    { title: 'FAILED', align: 'right' as const },
    { title: 'LAST' },
  ];
  const cells = rows.map(({ service, backend, verdict, since, failures, checks, text }) => [
    service,
    `${backend.protocol} ${formatEndpoint(backend.address, backend.port)}`,
    verdict,
    formatAge(now - since),
    `${failures}/${checks}`,
    text,
  ]);
  return formatTable(columns, cells);
}

/** Who answers for an address on its network, as this node sees it. */
function formatAnnounced(rows: readonly Announced[], now: number): string {
  const columns = [{ title: 'ANNOUNCED' }, { title: 'NODE' }, { title: 'SINCE', align: 'right' as const }, { title: 'STATE' }];
  const cells = rows.map((row) => [row.address, row.owner ?? '-', formatAge(now - row.since), stateOf(row)]);
  return formatTable(columns, cells);
}

function stateOf({ owner, undecided, problem }: Announced): string {
  if (problem !== null) return problem.code;
  if (owner === null) return 'no node accepts';
  return undecided ? 'waits for a sign of life' : 'answers';
}

import type { StatusRow } from '../model/mod.ts';
import { formatEndpoint } from '../model/mod.ts';
import { formatAge, formatTable } from '../observe/mod.ts';
import type { StatusReport } from '../observe/mod.ts';
import { placeOf, timeAt } from './agent-place.ts';
import { askAgent, askConnections, tellUnanswered } from './ask-agent.ts';
import { formatConnections, selectConnections } from './connections.ts';
import { printDocument } from './print-document.ts';
import type { DocumentFormat } from './print-document.ts';
import { printProblems } from './terminal.ts';
import type { Terminal } from './terminal.ts';

export interface ServicesOptions {
  readonly url: string;
  readonly from?: string;
  readonly output: 'table' | DocumentFormat;
  readonly namespace?: string;
  readonly errors: boolean;
  /** Connection counts by endpoint in place of frontends. */
  readonly connections: boolean;
  /** With `connections`: other programs' virtual servers too. */
  readonly foreign: boolean;
}

/** `waypost services`: prints the running agent's status rows. */
export async function runServices(options: ServicesOptions, terminal: Terminal): Promise<number> {
  if (options.connections) return await runConnections(options, terminal);
  const asked = await askAgent(placeOf(options));
  if (!asked.ok) return tellUnanswered(asked.problem, terminal);
  const report = { ...asked.value, rows: selectRows(asked.value.rows, options) };
  if (options.output !== 'table') printDocument({ version: 1, ...report }, options.output, terminal);
  else printTable(report, await timeAt(placeOf(options)), terminal);
  return 0;
}

async function runConnections(options: ServicesOptions, terminal: Terminal): Promise<number> {
  const asked = await askConnections(placeOf(options));
  if (!asked.ok) return tellUnanswered(asked.problem, terminal);
  const report = selectConnections(asked.value, options);
  printProblems(terminal, report.problems);
  if (options.output !== 'table') printDocument({ version: 1, ...report }, options.output, terminal);
  else if (report.families.length === 0 && report.problems.length === 0)
    terminal.err(`In mode ${report.mode} the kernel counts no connections by endpoint.\n`);
  else if (report.families.every(({ servers }) => servers.length === 0)) terminal.err('No virtual servers to show.\n');
  else terminal.out(formatConnections(report));
  return report.problems.length === 0 ? 0 : 1;
}

function selectRows(rows: readonly StatusRow[], { namespace, errors }: ServicesOptions): readonly StatusRow[] {
  return rows.filter(({ service, state }) => {
    return (namespace === undefined || service.startsWith(`${namespace}/`)) && (!errors || state === 'Error');
  });
}

function printTable({ synced, rows }: StatusReport, now: number, terminal: Terminal): void {
  if (!synced) terminal.err('The first sync is not complete: what is shown may be partial.\n');
  if (rows.length === 0) terminal.err('No frontends to show.\n');
  else terminal.out(formatServices(rows, now));
}

/** The rows as a table; ages are counted from `now` (milliseconds since 1970). */
export function formatServices(rows: readonly StatusRow[], now: number): string {
  const columns = [
    { title: 'SERVICE' },
    { title: 'PORT' },
    { title: 'KIND' },
    { title: 'FRONTEND' },
    { title: 'PROTOCOL' },
    { title: 'BACKENDS', align: 'right' as const },
    { title: 'VERDICT' },
    { title: 'STATE' },
    { title: 'SINCE', align: 'right' as const },
    { title: 'REASON' },
  ];
  const cells = rows.map((row) => [
    row.service,
    portName(row) || '-',
    row.kind,
    formatFrontend(row),
    row.protocol,
    String(row.backends),
    row.verdict,
    row.state,
    formatAge(now - row.since),
    row.reason,
  ]);
  return formatTable(columns, cells);
}

/** A node port has no address of its own, so it says which family it is. */
function formatFrontend({ address, family, port }: StatusRow): string {
  return address === '*' ? `*:${port} (${family})` : formatEndpoint(address, port);
}

/** The port's name out of `namespace/name:port-name/protocol`. */
function portName({ service, servicePort }: StatusRow): string {
  return servicePort.slice(service.length + 1, servicePort.lastIndexOf('/'));
}

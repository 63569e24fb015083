import { readFile } from 'node:fs/promises';
import { fail, isPort, parseAddress, succeed } from '../model/mod.ts';
import type { Family, Outcome } from '../model/mod.ts';
import { askEndpoints, askNames } from './agent-names.ts';
import { readFlows, readKernel } from './driver-trace.ts';
import { findMissingCapabilities } from './capabilities.ts';
import { printDocument } from './print-document.ts';
import type { DocumentFormat } from './print-document.ts';
import { printProblems } from './terminal.ts';
import type { Terminal } from './terminal.ts';
import { buildReport } from './trace-build.ts';
import { assembleNode } from './trace-node.ts';
import { formatTrace } from './trace-print.ts';
import { makePacket, resolveDestination } from './trace-question.ts';
import type { SourceAddresses } from './trace-question.ts';
import type { TraceReport } from './trace-report.ts';
import { parseDestination, parseSource } from './trace-target.ts';
import type { TraceSource } from './trace-target.ts';

export interface TraceOptions {
  readonly url: string;
  readonly output: 'text' | DocumentFormat;
  readonly family?: Family;
  readonly device?: string;
  /** As typed. */
  readonly sourcePort: string;
}

/**
 * `waypost trace`: follows a packet through what this node's kernel holds. Gives the exit code: 0 where it is delivered or
 * nobody's business, 1 where it is refused or dropped or the kernel cannot be read, 2 where the question is wrong.
 */
export async function runTrace(from: string, to: string, options: TraceOptions, terminal: Terminal): Promise<number> {
  const asked = readQuestion(from, to, options);
  if (!asked.ok) {
    printProblems(terminal, [asked.problem]);
    return 2;
  }
  const traced = await traceQuestion(asked.value, { from, to }, options);
  if (!traced.ok) {
    printProblems(terminal, [traced.problem]);
    return questionCodes.has(traced.problem.code) ? 2 : 1;
  }
  printReport(traced.value, options.output, terminal);
  return traced.value.verdict === 'delivered' || traced.value.verdict === 'passes' ? 0 : 1;
}

const questionCodes: ReadonlySet<string> = new Set(['WP_TRACE_SOURCE', 'WP_TRACE_DESTINATION', 'WP_TRACE_FAMILY']);

interface Question {
  readonly source: TraceSource;
  readonly destination: ReturnType<typeof parseDestination> & { readonly ok: true };
  readonly sourcePort: number;
}

function readQuestion(from: string, to: string, { sourcePort: port }: TraceOptions): Outcome<Question> {
  const source = parseSource(from);
  if (!source.ok) return source;
  const destination = parseDestination(to);
  if (!destination.ok) return destination;
  const sourcePort = Number(port);
  if (!isPort(sourcePort)) return fail('WP_TRACE_SOURCE', `--source-port must be 1 to 65535, not "${port}"`);
  return succeed({ source: source.value, destination, sourcePort });
}

async function traceQuestion(
  { source: asked, destination, sourcePort }: Question,
  given: { readonly from: string; readonly to: string },
  {
    url,
    family = null,
    device = null,
  }: { readonly url: string; readonly family?: Family | null; readonly device?: string | null },
): Promise<Outcome<TraceReport>> {
  const source = await findPod(asked, url);
  if (!source.ok) return source;
  const names = await askNames(url);
  if (destination.value.kind === 'service' && names.gap !== null)
    return fail('WP_TRACE_AGENT', `DESTINATION ${given.to} cannot be looked up without a running agent: ${names.gap}`);
  const target = resolveDestination(destination.value, source.value, family, names.rows);
  if (!target.ok) return target;
  const missing = findMissingCapabilities(await readFile('/proc/self/status', 'utf8'));
  const [fatal] = missing.fatal;
  if (fatal !== undefined) return { ok: false, problem: fatal };
  const reading = await readKernel(target.value.family);
  if (!reading.ok) return reading;
  const node = assembleNode(reading.value);
  const sent = makePacket(source.value, target.value, node.routing, { device, sourcePort, mark: 0 });
  if (!sent.ok) return sent;
  const flows = await readFlows({ ...target.value, destinationPort: target.value.port });
  const built = buildReport({ ...sent.value, given, node, reading: reading.value, names, flows });
  return built.ok ? succeed(await nameEnds(built.value, url, names.gap === null)) : built;
}

/** The addresses of a pod, as the running agent has them from endpoints. */
async function findPod(source: TraceSource, url: string): Promise<Outcome<SourceAddresses>> {
  if (source.kind !== 'pod') return succeed(source);
  const asked = await askEndpoints(url, { pod: source.name });
  if (!asked.ok) {
    return fail('WP_TRACE_AGENT', `SOURCE ${source.name} cannot be looked up without a running agent: ${asked.problem.message}`);
  }
  const addresses = [...new Set(asked.value.map(({ address }) => parseAddress(address)))].filter((address) => address !== null);
  if (addresses.length > 0) return succeed({ kind: 'pod', addresses });
  const hint = 'the agent knows pods that are endpoints of a Service, and their names only while DNS is on: give its IP address';
  return fail('WP_TRACE_SOURCE', `SOURCE ${source.name}: the running agent knows no pod of that name (${hint})`);
}

/** Names of back ends are worth a question and no failure. */
async function nameEnds(
  build: (endpoints: Awaited<ReturnType<typeof askEndpoints>> | null) => TraceReport,
  url: string,
  ask: boolean,
): Promise<TraceReport> {
  const plain = build(null);
  const addresses = [...new Set(plain.ends.filter(({ verdict }) => verdict === 'delivered').map(({ address }) => address))];
  // A request line has its limits, and nobody reads more.
  return ask && addresses.length > 0 && addresses.length <= 100 ? build(await askEndpoints(url, { addresses })) : plain;
}

function printReport(report: TraceReport, output: TraceOptions['output'], terminal: Terminal): void {
  if (output === 'text') terminal.out(formatTrace(report));
  else printDocument({ version: 1, ...report }, output, terminal);
}

import * as v from 'valibot';
import { formatAge, formatTable } from '../observe/mod.ts';
import { placeOf, timeAt } from './agent-place.ts';
import { askPage, problemSchema, tellUnanswered } from './ask-agent.ts';
import { printDocument } from './print-document.ts';
import type { DocumentFormat } from './print-document.ts';
import { printProblems } from './terminal.ts';
import type { Terminal } from './terminal.ts';

export interface DiffOptions {
  readonly url: string;
  readonly from?: string;
  readonly output: 'table' | DocumentFormat;
}

const differenceSchema = v.object({
  action: v.picklist(['add', 'remove', 'change']),
  service: v.nullable(v.string()),
  place: v.string(),
  held: v.nullable(v.string()),
  wanted: v.nullable(v.string()),
});

const pendingSchema = v.object({
  service: v.string(),
  wanted: v.array(v.string()),
  since: v.nullable(v.number()),
  problem: v.nullable(problemSchema),
});

const familySchema = v.object({
  family: v.picklist(['IPv4', 'IPv6']),
  problem: v.nullable(problemSchema),
  nodeChanged: v.boolean(),
  differences: v.array(differenceSchema),
  omittedDifferences: v.number(),
  pending: v.array(pendingSchema),
  omittedPending: v.number(),
});

const reportSchema = v.object({
  version: v.literal(1),
  mode: v.string(),
  started: v.boolean(),
  families: v.array(familySchema),
});

type DiffReport = v.InferOutput<typeof reportSchema>;
type FamilyReport = v.InferOutput<typeof familySchema>;

/** Milliseconds: the agent reads whole tables, perhaps behind a sync. */
const patience = 120_000;

/**
 * `waypost diff`: asks the running agent what the kernel holds otherwise than it should. 0: no difference; 1: there are some, or it
 * could not be found out; 2: the URL is none.
 */
export async function runDiff({ output, ...where }: DiffOptions, terminal: Terminal): Promise<number> {
  const asked = await askPage(placeOf(where), '/diff', reportSchema, { patience });
  if (!asked.ok) return tellUnanswered(asked.problem, terminal);
  const report = asked.value;
  if (output === 'table') printReport(report, await timeAt(placeOf(where)), terminal);
  else printDocument(report, output, terminal);
  return isEqual(report) ? 0 : 1;
}

function isEqual({ started, families }: DiffReport): boolean {
  const isSame = ({ problem, nodeChanged, differences, pending }: FamilyReport): boolean =>
    problem === null && !nodeChanged && differences.length + pending.length === 0;
  return started && families.every(isSame);
}

function printReport(report: DiffReport, now: number, terminal: Terminal): void {
  const problems = report.families.flatMap(({ problem }) => problem ?? []);
  printProblems(terminal, problems);
  const table = formatDiff(report, now);
  if (table !== '') terminal.out(table);
  terminal.out(`${conclude(report)}\n`);
}

/** A cell for each column, and the Service by which rows stand together. */
interface Row {
  readonly service: string;
  readonly cells: readonly string[];
}

/** What is nobody's alone stands last: no Service's name begins so. */
const nobody = '~ no single Service';

/** The rows as a table, those of one Service together; ages are counted from `now` (milliseconds since 1970). Empty without rows. */
export function formatDiff({ families }: Pick<DiffReport, 'families'>, now: number): string {
  const rows = families.flatMap((family) => [...tellDifferences(family), ...tellPending(family, now)]);
  if (rows.length === 0) return '';
  const groups = [...Map.groupBy(rows, ({ service }) => service)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const columns = [{ title: 'SERVICE' }, { title: 'FAMILY' }, { title: 'PLACE' }, { title: 'SYNC WOULD' }, { title: 'OBJECT' }];
  const cells = groups.flatMap(([service, group]) =>
    group.map((row, index) => [index > 0 ? '' : service === nobody ? '(no single Service)' : service, ...row.cells]),
  );
  return formatTable(columns, cells);
}

function tellDifferences({ family, differences }: FamilyReport): readonly Row[] {
  return differences.flatMap(({ service, place, action, held, wanted }) => {
    const first = [family, place, action, held ?? wanted ?? ''];
    const cells = action === 'change' ? [first, ['', '', 'to', wanted ?? '']] : [first];
    return cells.map((one) => ({ service: service ?? nobody, cells: one }));
  });
}

function tellPending({ family, pending }: FamilyReport, now: number): readonly Row[] {
  return pending.flatMap(({ service, wanted, since, problem }) => {
    const age = since === null ? '' : ` for ${formatAge(now - since)}`;
    const state = problem === null ? `pending${age}` : `refused${age}`;
    const lines = wanted.length === 0 ? ['remove all of it'] : wanted;
    const cells = lines.map((line, index) => (index === 0 ? [family, state, 'write', line] : ['', '', '', line]));
    if (problem !== null) cells.push(['', '', '', `${problem.code}: ${problem.message}`]);
    return cells.map((one) => ({ service, cells: one }));
  });
}

function conclude({ families, started }: DiffReport): string {
  if (!started) return 'The agent has not begun to program the kernel yet, so there is nothing to compare.';
  const failed = families.filter(({ problem }) => problem !== null).map(({ family }) => family);
  const changed = families.filter(({ nodeChanged }) => nodeChanged).map(({ family }) => family);
  const more = [
    ...(changed.length === 0 ? [] : [`The node changed: the next sync looks at every Service of ${changed.join(' and ')}.`]),
    ...(failed.length === 0 ? [] : [`${failed.join(' and ')} could not be compared.`]),
  ];
  const counted = countAll(families);
  if (counted !== null) return [counted, ...more].join(' ');
  if (failed.length === families.length && failed.length > 0) return more.join(' ');
  return ['No difference: the kernel holds what the agent asked of it.', ...more].join(' ');
}

/** Null where there is nothing to count. */
function countAll(families: readonly FamilyReport[]): string | null {
  const sum = (of: (family: FamilyReport) => number): number => families.reduce((total, family) => total + of(family), 0);
  const differences = sum((family) => family.differences.length + family.omittedDifferences);
  const pending = sum((family) => family.pending.length + family.omittedPending);
  const omitted = sum((family) => family.omittedDifferences + family.omittedPending);
  if (differences + pending === 0) return null;
  const shown = omitted === 0 ? '' : `, of which ${omitted} are not shown`;
  return (
    `${differences} ${differences === 1 ? 'difference' : 'differences'} and ${pending} pending ` +
    `${pending === 1 ? 'Service' : 'Services'}${shown}: audits repair differences (syncPeriod), the next sync writes what is pending.`
  );
}

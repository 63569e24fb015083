import { formatEndpoint } from '../model/mod.ts';
import type { TraceEffect, TraceStep } from '../model/mod.ts';
import { formatTable } from '../observe/mod.ts';
import type { ReportedEnd, TraceReport } from './trace-report.ts';
import { formatShare } from './trace-sentence.ts';

/** More ends are counted. */
const mostEnds = 50;

/** The report for people: the steps that all ways share, the ways apart, what is uncertain, and one sentence. */
export function formatTrace(report: TraceReport): string {
  const { unknown, gaps, established, notes, sentence } = report;
  const ends = report.ends.map((end) => ({ ...end, steps: leaveOut(end.steps) }));
  const { before, after } = sharedSteps(ends);
  return [
    tellQuestion(report),
    '',
    ...formatSteps(before),
    ...(ends.length > 1 || ends[0]?.verdict === 'delivered' ? ['', ...formatEnds(ends, before.length)] : []),
    ...formatOwn(ends, before.length, after.length),
    ...(after.length > 0 ? ['', ...formatSteps(after)] : []),
    ...section(
      'Not understood, and taken for not matching',
      unknown.map(({ place, text }) => `${place}: ${text}`),
    ),
    ...section('Could not be read', gaps),
    ...section(
      'Tracked already, and going on as they began',
      established.map(({ sourcePort, address, port }) => `from port ${sourcePort} to ${formatEndpoint(address, port)}`),
    ),
    ...section('Note', notes),
    '',
    sentence,
    '',
  ].join('\n');
}

function tellQuestion({ source, destination, protocol, frontend }: TraceReport): string {
  const from = source.device === null ? 'a process of this node' : `arriving on ${source.device}`;
  const named = frontend === null ? '' : `, ${frontend.servicePort} (${frontend.kind})`;
  return `${source.address} (${from}) to ${formatEndpoint(destination.address, destination.port)} over ${protocol}${named}`;
}

/** Steps that every way begins with, and those that every way ends with behind its own. */
function sharedSteps(ends: readonly ReportedEnd[]): {
  readonly before: readonly TraceStep[];
  readonly after: readonly TraceStep[];
} {
  const [first, ...others] = ends.map(({ steps }) => steps);
  if (first === undefined) return { before: [], after: [] };
  if (others.length === 0) return { before: first, after: [] };
  const same = (one: TraceStep | undefined, other: TraceStep | undefined): boolean =>
    one !== undefined && JSON.stringify(one) === JSON.stringify(other);
  let length = 0;
  while (length < first.length && others.every((steps) => same(first[length], steps[length]))) length += 1;
  let behind = 0;
  while (
    behind < first.length - length &&
    others.every((steps) => behind < steps.length - length && same(first.at(-1 - behind), steps.at(-1 - behind)))
  )
    behind += 1;
  return { before: first.slice(0, length), after: first.slice(first.length - behind) };
}

function formatEnds(ends: readonly ReportedEnd[], shared: number): readonly string[] {
  const columns = [
    { title: 'SHARE', align: 'right' as const },
    { title: 'BECOMES OF IT' },
    { title: 'NAME' },
    { title: 'SEES' },
    { title: 'LEAVES BY' },
    { title: 'DECIDED BY' },
  ];
  const rows = ends
    .slice(0, mostEnds)
    .map((end) => [
      formatShare(end.probability),
      tellEnd(end),
      end.name ?? '-',
      end.verdict === 'delivered' || end.verdict === 'passes' ? end.source : '-',
      end.device ?? (end.verdict === 'delivered' || end.verdict === 'passes' ? 'this node' : '-'),
      decidedBy(end, ends.length > 1 ? shared : 0),
    ]);
  const more = ends.length > mostEnds ? [`and ${ends.length - mostEnds} more`] : [];
  return [...formatTable(columns, rows).trimEnd().split('\n'), ...more];
}

/** What the first of several ways does between the steps that all share. */
function formatOwn(ends: readonly ReportedEnd[], before: number, after: number): readonly string[] {
  const [first, ...others] = ends;
  if (first === undefined || others.length === 0) return [];
  const own = first.steps.slice(before, first.steps.length - after);
  return own.length === 0 ? [] : ['', 'The first of them:', ...formatSteps(own)];
}

function tellEnd({ verdict, address, port }: ReportedEnd): string {
  return verdict === 'delivered' || verdict === 'passes' ? formatEndpoint(address, port) : verdict;
}

/** The step that told this way from the others: the one that chose the back end, or that refused. */
function decidedBy({ steps }: ReportedEnd, shared: number): string {
  const own = steps.slice(shared);
  const choice = own.find(({ effects }) => effects.some(({ kind }) => decisive.has(kind))) ?? own[0];
  return choice?.place ?? '-';
}

const decisive: ReadonlySet<TraceEffect['kind']> = new Set(['chance', 'destination', 'reject', 'drop', 'unroutable']);

function formatSteps(steps: readonly TraceStep[]): readonly string[] {
  return steps.flatMap(({ hook, place, text, effects }) => [
    `${(hook ?? '').padEnd(11)}  ${place}: ${effects.map(tellEffect).join(', ') || 'noted'}`,
    `${' '.repeat(13)}${text}`,
  ]);
}

/** Without jumps into chains that did nothing, and without those that every packet takes. */
function leaveOut(steps: readonly TraceStep[]): readonly TraceStep[] {
  const telling: TraceStep[] = [];
  for (const step of steps.toReversed()) {
    const [next] = telling;
    const jump = step.effects.find((effect) => effect.kind === 'jump');
    const led = jump !== undefined && next?.hook === step.hook && next.place.includes(` ${jump.chain} `);
    const idle =
      step.effects.every(({ kind }) => kind === 'return') || (jump !== undefined && step.effects.every(isLook) && !led);
    if (!idle) telling.unshift(step);
  }
  return telling.filter(({ text, effects }) => !isBare(text) || effects.some(({ kind }) => kind !== 'jump'));
}

function isLook({ kind }: TraceEffect): boolean {
  return kind === 'jump' || kind === 'found';
}

/** No condition but a remark or the state of the connection. */
function isBare(text: string): boolean {
  const rest = text.replace(/-m comment --comment ("[^"]*"|\S+) ?|-m conntrack --ctstate NEW /g, '').trim();
  return /^(-[jg] \S+|(jump|goto) \S+)$/.test(rest);
}

function tellEffect(effect: TraceEffect): string {
  switch (effect.kind) {
    case 'jump':
      return `to chain ${effect.chain}`;
    case 'return':
      return 'back';
    case 'accept':
      return 'accepted';
    case 'drop':
      return 'dropped';
    case 'reject':
      return `refused (${effect.with})`;
    case 'mark':
      return `mark becomes 0x${effect.mark.toString(16)}`;
    case 'found':
      return `${effect.set} has ${effect.element}`;
    case 'remember':
      return `the client is remembered in ${effect.set}`;
    case 'notrack':
      return 'not tracked';
    case 'chance':
      return `by chance, ${formatShare(effect.chance)}`;
    case 'destination':
      return `destination becomes ${formatEndpoint(effect.address, effect.port)}`;
    case 'source':
      return `source becomes ${effect.port === null ? effect.address : formatEndpoint(effect.address, effect.port)}`;
    case 'route':
      if (effect.device === null) return 'to this node itself';
      return `out through ${effect.device}${effect.gateway === null ? '' : ` to ${effect.gateway}`}`;
    case 'unroutable':
    case 'unknown':
      return effect.reason;
    case 'other':
      return effect.words;
    default:
      return effect satisfies never;
  }
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `  ${line}`)];
}

import { parseDuration } from '../model/mod.ts';
import type { Clock, Outcome } from '../model/mod.ts';
import { showControls } from '../observe/mod.ts';
import type { ConnectionsReport } from '../observe/mod.ts';
import { askConnections, tellUnanswered } from './ask-agent.ts';
import { CountAdder, shortestInterval } from './count-adder.ts';
import type { ServiceSum } from './count-adder.ts';
import { printDocument } from './print-document.ts';
import type { DocumentFormat } from './print-document.ts';
import { printProblems } from './terminal.ts';
import type { Terminal } from './terminal.ts';
import { drawScreen, formatTop, screenModes } from './top-print.ts';
import { sortRows } from './top-rows.ts';
import type { TopUnit } from './top-rows.ts';

export interface TopOptions {
  readonly url: string;
  readonly output: 'table' | DocumentFormat;
  readonly namespace?: string;
  readonly by: TopUnit;
  /** As typed. */
  readonly interval: string;
  readonly once: boolean;
}

/** What the command lives in. */
export interface TopPlace {
  readonly clock: Clock;
  /** Null: what is printed goes to no terminal. */
  readonly screen: { readonly rows: () => number; readonly color: boolean } | null;
  /** Called where the screen is drawn again and again: settles when that is to end. */
  readonly stopped: () => Promise<unknown>;
}

const longest = 3_600_000;

/**
 * `waypost top`: connections by Service or endpoint, how they change, and what passes. On a terminal until it is told to end, else
 * once. Gives the exit code: 1 where no agent answers or the kernel does not count, 2 where the interval is none.
 */
export async function runTop(options: TopOptions, terminal: Terminal, place: TopPlace): Promise<number> {
  const interval = parseDuration(options.interval);
  if (interval === null || interval < shortestInterval || interval > longest) {
    terminal.err(`waypost: --interval must be a duration from 200ms to 1h, not "${options.interval}"\n`);
    return 2;
  }
  const first = await look(options.url, place.clock);
  if (!first.ok) return tellUnanswered(first.problem, terminal);
  const { mode, families, problems } = first.value.report;
  if (families.length === 0 && problems.length === 0) {
    terminal.err(
      `In mode ${mode} the kernel counts no connections by Service or endpoint, only in mode ipvs: conntrack -L lists them one by one.\n`,
    );
    return 1;
  }
  const { screen } = place;
  const adder = new CountAdder(async () => {});
  await addUp(adder, first.value);
  if (screen === null || options.once || options.output !== 'table')
    return await printOnce(first.value.at, adder, interval, options, terminal, place);
  await drawUntilStopped(adder, interval, options, terminal, { ...place, screen });
  return 0;
}

/** What the kernel counted, and when. */
interface Look {
  readonly report: ConnectionsReport;
  readonly at: number;
}

async function look(url: string, clock: Clock): Promise<Outcome<Look>> {
  const asked = await askConnections(url);
  return asked.ok ? { ok: true, value: { report: asked.value, at: clock.now() } } : asked;
}

async function printOnce(
  begun: number,
  adder: CountAdder,
  interval: number,
  options: TopOptions,
  terminal: Terminal,
  { clock }: TopPlace,
): Promise<number> {
  await pause(clock, interval);
  const after = await look(options.url, clock);
  if (!after.ok) return tellUnanswered(after.problem, terminal);
  const { report, at } = after.value;
  const { mode, problems } = report;
  const rows = sortRows(await addUp(adder, after.value), options);
  if (options.output !== 'table') {
    // A clock that was set back in between makes no rates.
    const seconds = Math.max(shortestInterval, at - begun) / 1000;
    printDocument({ version: 1, mode, by: options.by, seconds, rows, problems }, options.output, terminal);
  } else if (rows.length > 0) terminal.out(`${formatTop(rows, options.by).join('\n')}\n`);
  else if (problems.length === 0) terminal.err('No endpoints to show.\n');
  printProblems(terminal, problems);
  return problems.length === 0 ? 0 : 1;
}

/** An agent that goes away, for an update perhaps, is waited for. */
async function drawUntilStopped(
  adder: CountAdder,
  interval: number,
  options: TopOptions,
  { out }: Terminal,
  { clock, screen, stopped }: TopPlace & { readonly screen: NonNullable<TopPlace['screen']> },
): Promise<void> {
  const end = stopped().then(() => 'end' as const);
  const draw = (lines: readonly string[]): void => out(drawScreen(lines, { rows: screen.rows(), color: screen.color }));
  out(screenModes.enter);
  draw([`Connections, in ${options.interval}; Ctrl-C ends`]);
  while ((await Promise.race([pause(clock, interval), end])) !== 'end') {
    const after = await Promise.race([look(options.url, clock), end]);
    if (after === 'end') break;
    if (!after.ok) {
      draw(['No connections to show', showControls(after.problem.message)]);
      continue;
    }
    const rows = sortRows(await addUp(adder, after.value), options);
    const problems = after.value.report.problems.map(({ message }) => showControls(message));
    draw([...problems, ...formatTop(rows, options.by)]);
  }
  out(screenModes.leave);
}

async function addUp(adder: CountAdder, { report, at }: Look): Promise<readonly ServiceSum[]> {
  const sums: ServiceSum[] = [];
  await adder.take(report, at, (sum) => sums.push(sum));
  return sums;
}

function pause(clock: Clock, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(milliseconds, resolve);
  });
}

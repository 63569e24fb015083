import { fullBackend } from './flow.ts';
import type { Expectation, Flow, SeenSource } from './flow.ts';

/** What became of a packet, in a lab or under a tracer. */
export type Outcome =
  | { readonly verdict: 'answered'; readonly backend: string; readonly source: string }
  | { readonly verdict: 'refused' | 'timeout' | 'untouched' }
  | { readonly verdict: 'failed'; readonly code: string };

/** What `client` and `node` stand for in a flow: the addresses a back end may see. */
export interface SourceNames {
  readonly client: readonly string[];
  readonly node: readonly string[];
}

/**
 * Compares what happened with what the table says and returns the differences in words; none means
 * the row holds. `outcomes` must be plenty: a back end that never answered is a difference.
 */
export function judge(flow: Flow, outcomes: readonly Outcome[], names: SourceNames): readonly string[] {
  if (outcomes.length === 0) return ['nothing was observed'];
  const { expect } = flow;
  if (expect.verdict !== 'answered') return unique(outcomes.flatMap((outcome) => judgeVerdict(expect, outcome)));
  const seen = new Set(outcomes.flatMap((outcome) => (outcome.verdict === 'answered' ? [outcome.backend] : [])));
  const missing = expect.backends.map(fullBackend).filter((backend) => !seen.has(backend));
  return [
    ...unique(outcomes.flatMap((outcome) => judgeAnswer(expect, outcome, names))),
    ...missing.map((backend) => `${backend} never answered in ${outcomes.length} attempts`),
  ];
}

/** All expected back ends have been seen, so that asking again would show nothing new. */
export function hasSeenAll(flow: Flow, outcomes: readonly Outcome[]): boolean {
  if (flow.expect.verdict !== 'answered') return true;
  const seen = new Set(outcomes.flatMap((outcome) => (outcome.verdict === 'answered' ? [outcome.backend] : [])));
  return flow.expect.backends.every((backend) => seen.has(fullBackend(backend)));
}

function judgeVerdict(expect: Expectation, outcome: Outcome): string[] {
  return outcome.verdict === expect.verdict ? [] : [`expected ${expect.verdict}, got ${describe(outcome)}`];
}

function judgeAnswer(
  expect: Extract<Expectation, { readonly verdict: 'answered' }>,
  outcome: Outcome,
  names: SourceNames,
): string[] {
  if (outcome.verdict !== 'answered') return judgeVerdict(expect, outcome);
  const name = expect.backends.find((backend) => fullBackend(backend) === outcome.backend);
  if (name === undefined) return [`${outcome.backend} answered, which is no back end of this frontend`];
  const rule: SeenSource | undefined = typeof expect.source === 'string' ? expect.source : expect.source[name];
  if (rule === undefined) return [`the table does not say whom ${name} sees`];
  if (rule === 'any' || names[rule].includes(outcome.source)) return [];
  return [`${name} saw ${outcome.source}, expected ${rule} (${names[rule].join(' or ')})`];
}

function describe(outcome: Outcome): string {
  if (outcome.verdict === 'answered') return `an answer from ${outcome.backend}, which saw ${outcome.source}`;
  return outcome.verdict === 'failed' ? `error ${outcome.code}` : outcome.verdict;
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}

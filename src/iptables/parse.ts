import { fail, succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';
import type { ChainState, RulesetState, TableState } from './operation.ts';
import { canonicalRule } from './parse-rule.ts';
import type { RuleText, TableName } from './rule.ts';

export { canonicalRule, parseRule } from './parse-rule.ts';
export type { RuleParse } from './parse-rule.ts';

/** Rules between two rests of `parseSaveSlices`: about a millisecond of work. */
const rulesPerSlice = 250;

const tableNames: ReadonlySet<string> = new Set<TableName>(['raw', 'mangle', 'nat', 'filter', 'security']);

/** The chains each table is born with, in the order of `iptables-save`. */
export const builtInChains: Readonly<Record<TableName, readonly string[]>> = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  security: ['INPUT', 'FORWARD', 'OUTPUT'],
};

/**
 * Reads the output of `iptables-save`, either variant. Rules of our vocabulary are brought to the
 * canonical text, all others are kept word for word.
 */
export function parseSave(text: string): Outcome<RulesetState> {
  const slices = parseSaveSlices(text);
  for (;;) {
    const step = slices.next();
    if (step.done === true) return step.value;
  }
}

/** The same in slices of about a millisecond: call `next` once per turn of the event loop. */
export function* parseSaveSlices(text: string): Generator<void, Outcome<RulesetState>> {
  const reader: Reader = { tables: new Map(), table: null, last: null };
  let rules = 0;
  for (let start = 0, line = 1; start < text.length; line += 1) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const problem = readLine(reader, text.slice(start, end));
    if (problem !== null) return fail('WP_IPTABLES_UNREADABLE', `iptables-save, line ${line}: ${problem}`);
    start = end + 1;
    rules += 1;
    if (rules % rulesPerSlice === 0) yield;
  }
  if (reader.table !== null) return fail('WP_IPTABLES_UNREADABLE', 'iptables-save ended before COMMIT');
  return succeed(reader.tables);
}

/**
 * The named tables, no others, each with every built-in chain: the nft variant knows none of them until
 * somebody uses it, the legacy variant always has all.
 */
export function completeTables(state: RulesetState, names: readonly TableName[]): RulesetState {
  return new Map(names.map((name) => [name, completeTable(name, state.get(name))]));
}

function completeTable(name: TableName, table: TableState | undefined): TableState {
  const chains = new Map<string, ChainState>();
  for (const chain of builtInChains[name]) chains.set(chain, table?.chains.get(chain) ?? { policy: 'ACCEPT', rules: [] });
  for (const [chain, state] of table?.chains ?? []) chains.set(chain, state);
  return { chains };
}

interface ChainDraft extends ChainState {
  readonly rules: RuleText[];
}

interface Reader {
  readonly tables: Map<TableName, TableState & { readonly chains: Map<string, ChainDraft> }>;
  table: Map<string, ChainDraft> | null;
  /** Where the last rule went. */
  last: RuleText[] | null;
}

/** Takes one line in; says what is wrong with it, or null. */
function readLine(reader: Reader, line: string): string | null {
  switch (line[0]) {
    case undefined:
      return null;
    case '#':
      return line.includes(' incompatible') ? `the table holds rules that only nft can show: ${line.slice(2)}` : null;
    case '*':
      return startTable(reader, line.slice(1));
    case ':':
      return readChain(reader, line);
    case '-':
    case '[':
      return readRule(reader, line);
    default:
      if (line.startsWith('COMMIT')) return endTable(reader);
      return continueRule(reader, line);
  }
}

function startTable(reader: Reader, name: string): string | null {
  if (!tableNames.has(name) || reader.table !== null) return `unexpected table ${name}`;
  const chains = new Map<string, ChainDraft>();
  reader.table = chains;
  reader.tables.set(name as TableName, { chains });
  return null;
}

function endTable(reader: Reader): string | null {
  if (reader.table === null) return 'COMMIT outside a table';
  reader.table = null;
  reader.last = null;
  return null;
}

function readChain(reader: Reader, line: string): string | null {
  const [name = '', policy] = line.slice(1).split(' ', 2);
  if (reader.table === null || (policy !== '-' && policy !== 'ACCEPT' && policy !== 'DROP')) return `unreadable chain ${name}`;
  reader.table.set(name, { policy: policy === '-' ? null : policy, rules: [] });
  return null;
}

function readRule(reader: Reader, line: string): string | null {
  // With counters the line begins `[packets:bytes] `.
  const start = line[0] === '[' ? line.indexOf('] ') + 2 : 0;
  if (!line.startsWith('-A ', start)) return continueRule(reader, line);
  const blank = line.indexOf(' ', start + 3);
  const name = line.slice(start + 3, blank < 0 ? line.length : blank);
  const rules = reader.table?.get(name)?.rules;
  if (rules === undefined) return `rule for chain ${name}, which was not declared`;
  rules.push(blank < 0 ? '' : canonicalRule(line.slice(blank + 1)));
  reader.last = rules;
  return null;
}

/** A foreign comment may hold a line end, which the tool prints as it is. */
function continueRule(reader: Reader, line: string): string | null {
  const rules = reader.last;
  const text = rules?.at(-1);
  if (rules === null || text === undefined) return 'neither table, chain, rule nor COMMIT';
  rules[rules.length - 1] = `${text}\n${line}`;
  return null;
}

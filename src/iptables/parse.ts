import { fail, succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';
import type { ChainState, RulesetState, TableState } from './operation.ts';
import { parseRule } from './parse-rule.ts';
import { splitWords } from './parse-words.ts';
import { renderRule } from './render.ts';
import { tableNames } from './rule.ts';
import type { RuleText, TableName } from './rule.ts';

export { canonicalRule } from './parse-rule.ts';

/** Rules between two rests of `parseSaveSlices`: about a millisecond of work. */
const rulesPerSlice = 250;

const knownTables: ReadonlySet<string> = new Set(tableNames);

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
  const reader: Reader = { tables: new Map(), table: null, last: null, open: false };
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
  /** A quote of the last rule is still open: a foreign comment holds a line end, printed as it is. */
  open: boolean;
}

/** Takes one line in; says what is wrong with it, or null. */
function readLine(reader: Reader, line: string): string | null {
  if (reader.open) return continueRule(reader, line);
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
      return unexpected;
  }
}

function startTable(reader: Reader, name: string): string | null {
  if (!knownTables.has(name) || reader.table !== null) return `unexpected table ${name}`;
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
  if (!line.startsWith('-A ', start)) return unexpected;
  const blank = line.indexOf(' ', start + 3);
  const name = line.slice(start + 3, blank < 0 ? line.length : blank);
  const rules = reader.table?.get(name)?.rules;
  if (rules === undefined) return `rule for chain ${name}, which was not declared`;
  const text = blank < 0 ? '' : line.slice(blank + 1);
  const parsed = parseRule(text);
  rules.push(parsed.ok ? renderRule(parsed.rule) : text);
  reader.last = rules;
  reader.open = !parsed.ok && splitWords(text) === null;
  return null;
}

function continueRule(reader: Reader, line: string): string | null {
  const rules = reader.last;
  const text = rules?.at(-1);
  if (rules === null || text === undefined) return unexpected;
  const longer = `${text}\n${line}`;
  rules[rules.length - 1] = longer;
  reader.open = splitWords(longer) === null;
  return null;
}

const unexpected = 'neither table, chain, rule nor COMMIT';

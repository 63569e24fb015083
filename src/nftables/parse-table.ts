import { fail, succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';
import { parseStatements } from './parse-rule.ts';
import { parseElement, parseSet } from './parse-set.ts';
import type { SetHeader } from './parse-set.ts';
import { asRecord } from './parse-source.ts';
import type { Json, JsonRecord } from './parse-source.ts';
import type { ChainState, ElementState, RuleState, SetState, TableState } from './port.ts';
import type { ChainHook, TableName } from './transaction.ts';

const noHeader: SetHeader = { dynamic: false, valueExample: null };

/**
 * Reads a table out of the tool's JSON (`nft -jn list table`) and, for what that leaves out, its terse text
 * (`nft -tn list table`). Fails with `WP_NFT_UNREADABLE`.
 */
export function parseTable(table: TableName, json: string, terse: string): Outcome<TableState> {
  const objects = parseObjects(json);
  if (objects === null) return unreadable(table, 'the tool wrote no JSON');
  const headers = parseHeaders(terse);
  const chains = new Map<string, { chain: ChainState['chain']; rules: RuleState[] }>();
  const sets = new Map<string, SetState>();
  for (const object of objects) {
    const [kind = '', body = null] = Object.entries(object)[0] ?? [];
    const record = asRecord(body);
    const name = record?.['name'];
    if (record === null) return unreadable(table, `the tool lists a ${kind} of no kind`);
    if (kind === 'chain' && typeof name === 'string') chains.set(name, { chain: parseChain(name, record), rules: [] });
    else if (kind === 'rule') {
      const rule = parseRule(record);
      if (rule === null) return unreadable(table, 'the tool lists a rule without a handle');
      chains.get(String(record['chain']))?.rules.push(rule);
    } else if ((kind === 'set' || kind === 'map') && typeof name === 'string') {
      const set = parseSetState(record, headers.get(name) ?? noHeader);
      if (set === null) return unreadable(table, `set ${name} has elements that are not of its type`);
      sets.set(name, set);
    }
  }
  return succeed({ ...table, chains, sets });
}

function unreadable({ family, name }: TableName, why: string): Outcome<TableState> {
  return fail('WP_NFT_UNREADABLE', `cannot read table ${family} ${name}: ${why}`);
}

function parseObjects(json: string): readonly JsonRecord[] | null {
  try {
    const list = asRecord(JSON.parse(json) as Json)?.['nftables'];
    if (!Array.isArray(list)) return null;
    return (list as readonly Json[]).map(asRecord).filter((object) => object !== null);
  } catch {
    return null;
  }
}

function parseChain(name: string, record: JsonRecord): ChainState['chain'] {
  const { type, hook, prio, policy } = record;
  if (hook === undefined) return { name, hook: null };
  if (type !== 'filter' && type !== 'nat' && type !== 'route') return null;
  const hooks: readonly ChainHook['hook'][] = ['prerouting', 'input', 'forward', 'output', 'postrouting'];
  const known = hooks.find((word) => word === hook);
  if (known === undefined || typeof prio !== 'number' || policy !== 'accept') return null;
  return { name, hook: { type, hook: known, priority: prio } };
}

function parseRule(record: JsonRecord): RuleState | null {
  const { handle, comment, expr } = record;
  if (typeof handle !== 'number') return null;
  return {
    handle,
    statements: Array.isArray(expr) ? parseStatements(expr as readonly Json[]) : null,
    comment: typeof comment === 'string' ? comment : null,
  };
}

function parseSetState(record: JsonRecord, header: SetHeader): SetState | null {
  const set = parseSet(record, header);
  if (set === null) return { set, elements: [] };
  const list = record['elem'];
  const elements: ElementState[] = [];
  for (const json of Array.isArray(list) ? (list as readonly Json[]) : []) {
    const element = parseElement(set, json);
    if (element === null) return null;
    elements.push(element);
  }
  return { set, elements };
}

/** The lines of each set's declaration that JSON has no word for. */
function parseHeaders(terse: string): ReadonlyMap<string, SetHeader> {
  const headers = new Map<string, SetHeader>();
  let name = '';
  for (const line of terse.split('\n')) {
    const opened = /^\t(?:set|map) (\S+) \{$/.exec(line);
    if (opened !== null) name = opened[1] ?? '';
    if (line === '\t}') name = '';
    if (name === '') continue;
    const header = headers.get(name) ?? noHeader;
    const flags = /^\t\tflags (\S+)$/.exec(line)?.[1]?.split(',') ?? [];
    const example = /^\t\ttypeof .+? : (.+)$/.exec(line)?.[1] ?? header.valueExample;
    headers.set(name, { dynamic: header.dynamic || flags.includes('dynamic'), valueExample: example });
  }
  return headers;
}

import { typeOfSource } from './check-rule.ts';
import { datumTypes } from './datum-type.ts';
import type { MapLookup, Source, Statement } from './expression.ts';
import type { FakeSet, FakeTable } from './fake-table.ts';
import { rewrites } from './fields.ts';
import type { Chain, DatumType, Rule } from './transaction.ts';

/** Error numbers (asm-generic) with which nf_tables refuses rules. */
const ENOENT = 2;
const EINVAL = 22;
const EOPNOTSUPP = 95;

/** The error number with which the kernel, or the tool before it, refuses a rule; 0 where it does not. */
export function judgeRule(table: FakeTable, chain: Chain, { statements }: Rule): number {
  for (const statement of statements) {
    const errno = judgeStatement(table, chain, statement);
    if (errno !== 0) return errno;
  }
  return 0;
}

function judgeStatement(table: FakeTable, chain: Chain, statement: Statement): number {
  switch (statement.kind) {
    case 'lookup':
      return judgeSet(table, statement.set, statement.key, (set) => set.set.value === null);
    case 'vmap':
      return judgeSet(table, statement.map, statement.key, (set) => set.set.value === 'verdict');
    case 'update':
      return judgeUpdate(table, statement);
    case 'jump':
    case 'goto':
      return judgeTarget(table, statement.chain);
    case 'mark':
      return typeof statement.to === 'object' && 'map' in statement.to ? judgeMap(table, statement.to, ['mark']) : 0;
    case 'rewrite': {
      const { kind } = rewrites[statement.field];
      return typeof statement.to === 'object' ? judgeMap(table, statement.to, [kind as DatumType]) : 0;
    }
    case 'dnat':
      if (!isNat(chain, ['prerouting', 'output'])) return EOPNOTSUPP;
      return 'map' in statement.to ? judgeMap(table, statement.to, [table.family === 'ip' ? 'ipv4' : 'ipv6', 'port']) : 0;
    case 'masquerade':
      return isNat(chain, ['postrouting']) ? 0 : EOPNOTSUPP;
    default:
      return 0;
  }
}

/** Translation belongs into chains of that type; a chain without a hook is judged by those that lead to it. */
function isNat({ hook }: Chain, hooks: readonly string[]): boolean {
  return hook === null || (hook.type === 'nat' && hooks.includes(hook.hook));
}

/** Rules lead to chains without a hook only. */
export function judgeTarget(table: FakeTable, name: string): number {
  const target = table.chains.get(name);
  if (target === undefined) return ENOENT;
  return target.chain.hook === null ? 0 : EOPNOTSUPP;
}

function judgeSet(table: FakeTable, name: string, key: readonly Source[], fits: (set: FakeSet) => boolean): number {
  const set = table.sets.get(name);
  if (set === undefined) return ENOENT;
  const types = key.map(typeOfSource);
  const same = types.length === set.set.key.length && types.every((type, index) => type === set.set.key[index]);
  return same && fits(set) ? 0 : EINVAL;
}

function judgeMap(table: FakeTable, { key, map }: MapLookup, value: readonly DatumType[]): number {
  return judgeSet(table, map, key, ({ set }) => {
    if (set.value === null || set.value === 'verdict' || set.value.length !== value.length) return false;
    return set.value.every((type, index) => wordOf(type) === wordOf(value[index]));
  });
}

function judgeUpdate(table: FakeTable, { set, key, value }: Extract<Statement, { readonly kind: 'update' }>): number {
  const errno = judgeSet(table, set, key, (found) => (value === null) === (found.set.value === null));
  if (errno !== 0) return errno;
  return table.sets.get(set)?.set.dynamic === true ? 0 : EOPNOTSUPP;
}

function wordOf(type: DatumType | undefined): string | null {
  return type === undefined ? null : datumTypes[type].word;
}

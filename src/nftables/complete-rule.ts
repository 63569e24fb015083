import type { MatchStatement, Source, Statement } from './expression.ts';
import { fields, rewrites } from './fields.ts';
import type { Requirement } from './fields.ts';
import type { TableFamily } from './transaction.ts';

const tcp: Requirement = { field: 'l4proto', value: 6 };

/**
 * Statements with the matches that their fields imply: `icmp type` only makes sense behind `l4proto 1`. The tool adds
 * these by itself; spelled out, both drivers write the same rule.
 */
export function completeStatements(family: TableFamily, statements: readonly Statement[]): readonly Statement[] {
  const complete: Statement[] = [];
  const known = new Map<Requirement['field'], number>();
  for (const statement of statements) {
    for (const { field, value } of requirementsOf(statement)) {
      if (known.get(field) === value || (field === 'nfproto' && family !== 'inet')) continue;
      known.set(field, value);
      complete.push({ kind: 'match', field, negated: false, value });
    }
    const told = toldBy(statement);
    if (told !== null) known.set(told.field, told.value);
    complete.push(statement);
  }
  return complete;
}

/** What a match settles for the rest of the rule. */
export function toldBy(statement: Statement): Requirement | null {
  if (statement.kind !== 'match' || statement.negated || typeof statement.value !== 'number') return null;
  const { field, value } = statement;
  return field === 'l4proto' || field === 'nfproto' || field === 'iiftype' ? { field, value } : null;
}

function requirementsOf(statement: Statement): readonly Requirement[] {
  const own = statement.kind === 'rewrite' ? [rewrites[statement.field].requires] : [];
  const reset = statement.kind === 'reject' && statement.with === 'tcp-reset' ? [tcp] : [];
  const option = statement.kind === 'clamp' ? [tcp] : [];
  return [...sourcesOf(statement).flatMap(requirementOf), ...own, ...reset, ...option];
}

function requirementOf(source: Source): readonly Requirement[] {
  if (typeof source !== 'string') return [];
  const { requires } = fields[source];
  return requires === null ? [] : [requires];
}

/** Everything that a statement reads of the packet. */
export function sourcesOf(statement: Statement): readonly Source[] {
  switch (statement.kind) {
    case 'match':
      return [statement.field];
    case 'lookup':
    case 'vmap':
      return statement.key;
    case 'update':
      return statement.value === null ? statement.key : [...statement.key, statement.value];
    case 'mark':
    case 'dnat':
    case 'rewrite':
      return typeof statement.to === 'object' && 'map' in statement.to ? statement.to.key : [];
    default:
      return [];
  }
}

/** True for the matches that {@link completeStatements} may have added. */
export function isImplied(statement: Statement): statement is MatchStatement {
  return toldBy(statement) !== null;
}

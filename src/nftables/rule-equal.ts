import { completeStatements, isImplied, toldBy } from './complete-rule.ts';
import { isHost, isPrefix } from './datum.ts';
import type { FieldName, MatchStatement, Statement } from './expression.ts';
import type { RuleState } from './port.ts';
import type { Rule, TableFamily } from './transaction.ts';

/** Whether a rule that was read is the one that was wanted, its comment included. Counters and handles do not matter. */
export function rulesEqual(family: TableFamily, wanted: Rule, found: RuleState): boolean {
  if (found.statements === null || (wanted.comment ?? null) !== found.comment) return false;
  return formatRule(family, wanted.statements) === formatRule(family, found.statements);
}

/** Text that two lists of statements share exactly where they do the same in the same order. */
export function formatRule(family: TableFamily, statements: readonly Statement[]): string {
  return canonicalStatements(family, statements).map(formatValue).join('\n');
}

/**
 * Implied matches spelled out once, and first among the matches they stand with: the tool does not say where they were, and
 * of questions without effect the order does not matter.
 */
function canonicalStatements(family: TableFamily, statements: readonly Statement[]): readonly Statement[] {
  const ordered: Statement[] = [];
  let run: Statement[] = [];
  const told = new Set<string>();
  const close = (): void => {
    ordered.push(...run.filter(isImplied).toSorted(compareFields), ...run.filter((statement) => !isImplied(statement)));
    run = [];
  };
  for (const statement of completeStatements(family, statements)) {
    const answer = toldBy(statement);
    const said = answer === null ? '' : `${answer.field} ${answer.value}`;
    if (told.has(said)) continue;
    if (answer !== null) told.add(said);
    if (statement.kind === 'match' || statement.kind === 'lookup') run.push(canonicalMatch(statement));
    else {
      close();
      ordered.push(canonicalMark(statement));
    }
  }
  close();
  return ordered;
}

const fieldOrder: readonly FieldName[] = ['nfproto', 'iiftype', 'l4proto'];

function compareFields(one: MatchStatement, other: MatchStatement): number {
  return fieldOrder.indexOf(one.field) - fieldOrder.indexOf(other.field);
}

function canonicalMatch(statement: Statement): Statement {
  if (statement.kind !== 'match') return statement;
  const { value } = statement;
  if (typeof value !== 'object') return statement;
  if (isPrefix(value) && isHost(value)) return { ...statement, value: value.address };
  if ('anyOf' in value) return { ...statement, value: { anyOf: value.anyOf.toSorted() } };
  return statement;
}

/** Keeping no bit of the mark is setting it. */
function canonicalMark(statement: Statement): Statement {
  if (statement.kind !== 'mark' || typeof statement.to !== 'object' || !('mask' in statement.to)) return statement;
  return statement.to.mask === 0 ? { kind: 'mark', to: statement.to.xor } : statement;
}

/** JSON with the properties of every object in order. */
function formatValue(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([one], [other]) => (one < other ? -1 : 1)))
      : part,
  );
}

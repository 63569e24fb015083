import { isDatum, isInterface, isNumber, isRangeOf } from './check-element.ts';
import { checkName, isSeconds } from './check-name.ts';
import { completeStatements, sourcesOf, toldBy } from './complete-rule.ts';
import { isPrefix, isRange } from './datum.ts';
import type { DnatStatement, FieldName, MarkStatement, MatchValue, Source, Statement } from './expression.ts';
import { addressTypes, directions, fields, rewrites, stateBits, statusBits } from './fields.ts';
import type { FieldKind } from './fields.ts';
import type { SetDefinition, TableFamily } from './transaction.ts';

/**
 * What is wrong with the statements of a rule, or null. Keys are compared with those of the sets that are known: to the
 * kernel only lengths matter, and an older one reads on in registers that nobody filled.
 */
export function checkStatements(
  family: TableFamily,
  statements: readonly Statement[],
  sets: ReadonlyMap<string, SetDefinition>,
): string | null {
  let protocol = false;
  for (const statement of completeStatements(family, statements)) {
    const needsProtocol =
      (statement.kind === 'dnat' && hasPort(statement)) ||
      (statement.kind === 'match' && statement.field === 'ct original proto-dst');
    if (needsProtocol && !protocol) return `${statement.kind} stands behind a match of l4proto with one protocol`;
    if (toldBy(statement)?.field === 'l4proto') protocol = true;
    const reason =
      namesOf(statement)
        .map(checkName)
        .find((found) => found !== null) ??
      checkKeys(statement, sets) ??
      checkStatement(family, statement);
    if (reason !== null) return reason;
  }
  return statements.length === 0 ? 'the rule has no statements' : null;
}

function checkStatement(family: TableFamily, statement: Statement): string | null {
  const sources = sourcesOf(statement);
  const stranger = sources.find((source) => typeof source === 'string' && !isFieldOf(family, source));
  if (stranger !== undefined) return `tables of family ${family} have no field ${String(stranger)}`;
  if (statement.kind !== 'match' && sources.includes('ct original proto-dst')) return 'ct original proto-dst stands in no key';
  if (sources.some((source) => typeof source !== 'string' && !(Number.isInteger(source.modulus) && source.modulus > 0))) {
    return 'a random index has a modulus of at least 1';
  }
  switch (statement.kind) {
    case 'match':
      return checkMatch(statement.field, statement.negated, statement.value);
    case 'mark':
      return isMark(statement.to) ? null : `${JSON.stringify(statement.to)} is not a mark`;
    case 'dnat':
      return isTarget(family, statement) ? null : `${JSON.stringify(statement.to)} is no target in a table of family ${family}`;
    case 'update':
      if (statement.value !== null && statement.key.length !== 1)
        return 'the key of an element that a rule adds to a map is one field';
      return statement.timeoutSeconds === null || isSeconds(statement.timeoutSeconds)
        ? null
        : `timeout ${statement.timeoutSeconds}`;
    case 'rewrite':
      return checkRewrite(family, statement);
    case 'clamp':
      return statement.size === 'route' || (statement.size > 0 && isNumber(statement.size, 2))
        ? null
        : `${statement.size} is no size of a segment`;
    default:
      return null;
  }
}

function checkKeys(statement: Statement, sets: ReadonlyMap<string, SetDefinition>): string | null {
  const asked = keyOf(statement);
  const set = asked === null ? undefined : sets.get(asked.set);
  if (asked === null || set === undefined) return null;
  const types = asked.key.map(typeOfSource);
  const same = types.length === set.key.length && types.every((type, index) => type === set.key[index]);
  return same ? null : `set ${set.name} has keys of ${set.key.join(' . ')}, not ${types.join(' . ')}`;
}

/** The key with which a statement looks into a set. */
function keyOf(statement: Statement): { readonly set: string; readonly key: readonly Source[] } | null {
  switch (statement.kind) {
    case 'lookup':
    case 'update':
      return statement;
    case 'vmap':
      return { set: statement.map, key: statement.key };
    case 'mark':
    case 'dnat':
    case 'rewrite':
      return typeof statement.to === 'object' && 'map' in statement.to ? { set: statement.to.map, key: statement.to.key } : null;
    default:
      return null;
  }
}

/** The type of a part of a key; of fields that no key has, their kind. */
export function typeOfSource(source: Source): string {
  return typeof source === 'string' ? fields[source].kind : 'random';
}

/** Sets and chains that a statement names. */
function namesOf(statement: Statement): readonly string[] {
  const names = 'to' in statement && typeof statement.to === 'object' && 'map' in statement.to ? [statement.to.map] : [];
  if ('set' in statement) return [...names, statement.set];
  if ('chain' in statement) return [...names, statement.chain];
  return 'map' in statement ? [...names, statement.map] : names;
}

function isFieldOf(family: TableFamily, field: Source): boolean {
  if (typeof field !== 'string') return true;
  if (field.startsWith('arp ')) return family === 'arp';
  if (field === 'nfproto') return family === 'inet';
  const requires = fields[field].requires?.field === 'nfproto' ? fields[field].kind : null;
  if (family === 'arp') return requires === null && !field.startsWith('ct ');
  return requires === null || family === 'inet' || (requires === 'ipv4') === (family === 'ip');
}

function checkMatch(field: FieldName, negated: boolean, value: MatchValue): string | null {
  const { kind } = fields[field];
  const wrong = `${JSON.stringify(value)} is not what ${field} can be compared with`;
  if (typeof value !== 'object') return isFieldValue(kind, fields[field].load.length, value) ? null : wrong;
  if (isPrefix(value)) return kind === (value.family === 'IPv4' ? 'ipv4' : 'ipv6') ? null : wrong;
  if (isRange(value)) {
    const ordered = kind === 'ipv4' || kind === 'ipv6' || kind === 'port' || kind === 'protocol';
    return ordered && isRangeOf(kind, value) ? null : wrong;
  }
  if ('anyOf' in value) {
    const words = kind === 'state' ? stateBits : kind === 'status' ? statusBits : {};
    return !negated && value.anyOf.length > 0 && value.anyOf.every((word) => word in words) ? null : wrong;
  }
  if ('startsWith' in value) return kind === 'interface' && isInterface(value.startsWith) ? null : wrong;
  const bytes = fields[field].load.length;
  return (kind === 'mark' || kind === 'number') && isNumber(value.mask, bytes) && isNumber(value.equals, bytes) ? null : wrong;
}

function isFieldValue(kind: FieldKind, length: number, value: string | number): boolean {
  switch (kind) {
    case 'number':
    case 'link-type':
      return isNumber(value, length);
    case 'state':
    case 'status':
      return false;
    case 'direction':
      return typeof value === 'string' && value in directions;
    case 'address-type':
      return typeof value === 'string' && value in addressTypes;
    default:
      return isDatum(kind, value);
  }
}

function isMark(to: MarkStatement['to']): boolean {
  if (typeof to === 'number') return isNumber(to, 4);
  return 'map' in to || (isNumber(to.mask, 4) && isNumber(to.xor, 4));
}

function isTarget(family: TableFamily, { to }: DnatStatement): boolean {
  if (family !== 'ip' && family !== 'ip6') return false;
  return 'map' in to || (isDatum(family === 'ip' ? 'ipv4' : 'ipv6', to.address) && (to.port === null || isNumber(to.port, 2)));
}

function hasPort({ to }: DnatStatement): boolean {
  return 'map' in to || to.port !== null;
}

function checkRewrite(family: TableFamily, { field, to }: Extract<Statement, { readonly kind: 'rewrite' }>): string | null {
  const { kind, length, requires } = rewrites[field];
  if (requires.field === 'nfproto' && !isFieldOf(family, field as FieldName))
    return `tables of family ${family} have no field ${field}`;
  const isPlain = kind === 'number' && typeof to === 'number' && isNumber(to, length);
  if (isPlain || ((kind === 'ipv4' || kind === 'ipv6' || kind === 'port') && (typeof to === 'object' || isDatum(kind, to))))
    return null;
  return `${JSON.stringify(to)} is not a value of ${field}`;
}

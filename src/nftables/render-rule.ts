import { completeStatements } from './complete-rule.ts';
import { isPrefix, isRange } from './datum.ts';
import type {
  Datum,
  DnatStatement,
  MapLookup,
  MarkStatement,
  MatchStatement,
  RejectStatement,
  Source,
  Statement,
  UpdateStatement,
} from './expression.ts';
import { fields, rewrites } from './fields.ts';
import type { TableFamily } from './transaction.ts';

/** Statements as the tool reads them. */
export function renderStatements(family: TableFamily, statements: readonly Statement[]): string {
  return completeStatements(family, statements)
    .map((statement) => renderStatement(family, statement))
    .join(' ');
}

function renderStatement(family: TableFamily, statement: Statement): string {
  switch (statement.kind) {
    case 'match':
      return renderMatch(statement);
    case 'lookup':
      return `${renderKey(statement.key)} ${statement.negated ? '!= ' : ''}@${statement.set}`;
    case 'mark':
      return `meta mark set ${renderMark(statement.to)}`;
    case 'vmap':
      return `${renderKey(statement.key)} vmap @${statement.map}`;
    case 'update':
      return renderUpdate(statement);
    case 'jump':
    case 'goto':
      return `${statement.kind} ${statement.chain}`;
    case 'reject':
      return `reject with ${renderReject(family, statement)}`;
    case 'masquerade':
      return statement.fullyRandom ? 'masquerade fully-random' : 'masquerade';
    case 'dnat':
      return `dnat ${family} to ${renderTarget(statement)}`;
    case 'rewrite':
      return `${rewrites[statement.field].text} set ${renderValue(statement.to)}`;
    case 'clamp':
      return `tcp option maxseg size set ${statement.size === 'route' ? 'rt mtu' : statement.size}`;
    default:
      return statement.kind;
  }
}

function renderMatch({ field, negated, value }: MatchStatement): string {
  const { text } = fields[field];
  const operator = negated ? '!=' : '==';
  if (typeof value !== 'object') return `${text} ${operator} ${renderDatum(field, value)}`;
  if (isPrefix(value)) return `${text} ${operator} ${value.address}/${value.length}`;
  if (isRange(value)) return `${text} ${operator} ${value.from}-${value.to}`;
  if ('anyOf' in value) return `${text} ${value.anyOf.join(',')}`;
  if ('startsWith' in value) return `${text} ${operator} "${value.startsWith}*"`;
  return `${text} & ${hex(value.mask)} ${operator} ${hex(value.equals)}`;
}

function renderDatum(field: Source, value: Datum): string {
  const kind = typeof field === 'string' ? fields[field].kind : 'number';
  return kind === 'interface' ? `"${value}"` : String(value);
}

function renderKey(key: readonly Source[]): string {
  return key
    .map((source) => (typeof source === 'string' ? fields[source].text : `numgen random mod ${source.modulus}`))
    .join(' . ');
}

function renderMark(to: MarkStatement['to']): string {
  if (typeof to === 'number') return hex(to);
  if ('map' in to) return renderLookup(to);
  const { mask, xor } = to;
  if (xor === 0) return `meta mark & ${hex(mask)}`;
  if ((mask & xor) === 0 && (mask | xor) >>> 0 === 0xff_ff_ff_ff) return `meta mark | ${hex(xor)}`;
  return `meta mark & ${hex(mask)} ^ ${hex(xor)}`;
}

function renderLookup({ key, map }: MapLookup): string {
  return `${renderKey(key)} map @${map}`;
}

function renderUpdate({ operation, set, key, timeoutSeconds, value }: UpdateStatement): string {
  const timeout = timeoutSeconds === null ? '' : ` timeout ${timeoutSeconds}s`;
  const data = value === null ? '' : ` : ${renderKey([value])}`;
  return `${operation} @${set} { ${renderKey(key)}${timeout}${data} }`;
}

function renderReject(family: TableFamily, statement: RejectStatement): string {
  if (statement.with === 'tcp-reset') return 'tcp reset';
  const protocol = family === 'ip' ? 'icmp' : family === 'ip6' ? 'icmpv6' : 'icmpx';
  return `${protocol} ${statement.with}`;
}

function renderTarget({ to }: DnatStatement): string {
  if ('map' in to) return renderLookup(to);
  if (to.port === null) return to.address;
  return to.address.includes(':') ? `[${to.address}]:${to.port}` : `${to.address}:${to.port}`;
}

function renderValue(to: Datum | MapLookup): string {
  return typeof to === 'object' ? renderLookup(to) : String(to);
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

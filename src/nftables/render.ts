import { datumTypes, needsTypeof } from './datum-type.ts';
import { isPrefix, isRange } from './datum.ts';
import type { Datum, Verdict } from './expression.ts';
import { renderStatements } from './render-rule.ts';
import type { Chain, Command, DatumType, Element, KeyPart, Rule, SetDefinition, TableName, Transaction } from './transaction.ts';

/** A transaction as the tool reads it on standard input: one line for each command, in order. */
export function renderTransaction({ table, commands }: Transaction): string {
  return commands.map((command) => `${renderCommand(table, command)}\n`).join('');
}

function renderCommand(table: TableName, command: Command): string {
  const place = `${table.family} ${table.name}`;
  switch (command.kind) {
    case 'add-table':
    case 'delete-table':
    case 'flush-table':
      return `${command.kind.replace('-', ' ')} ${place}`;
    case 'add-chain':
      return `add chain ${place} ${renderChain(command.chain)}`;
    case 'flush-chain':
    case 'delete-chain':
      return `${command.kind.replace('-', ' ')} ${place} ${command.chain}`;
    case 'add-set':
      return `add ${wordFor(command.set)} ${place} ${command.set.name} ${renderSet(command.set)}`;
    case 'flush-set':
      return `flush ${wordFor(command.set)} ${place} ${command.set.name}`;
    case 'delete-set':
      return `delete ${wordFor(command.set)} ${place} ${command.set.name}`;
    case 'add-elements':
      return `add element ${place} ${command.set.name} ${renderElements(command.elements, renderElement)}`;
    case 'delete-elements':
      return `delete element ${place} ${command.set.name} ${renderElements(command.elements, renderKey)}`;
    case 'add-rule':
      return `add rule ${place} ${command.chain} ${renderRule(table, command.rule)}`;
    case 'delete-rule':
      return `delete rule ${place} ${command.chain} handle ${command.handle}`;
  }
}

function renderChain({ name, hook }: Chain): string {
  if (hook === null) return name;
  return `${name} { type ${hook.type} hook ${hook.hook} priority ${hook.priority}; policy accept; }`;
}

function wordFor(set: SetDefinition): 'set' | 'map' {
  return set.value === null ? 'set' : 'map';
}

function renderSet(set: SetDefinition): string {
  const flags = [
    ...(set.constant ? ['constant'] : []),
    ...(set.interval ? ['interval'] : []),
    ...(set.dynamic ? ['dynamic'] : []),
    ...(set.timeout ? ['timeout'] : []),
  ];
  const parts = [
    renderType(set),
    ...(flags.length === 0 ? [] : [`flags ${flags.join(',')}`]),
    ...(set.timeoutSeconds === null ? [] : [`timeout ${set.timeoutSeconds}s`]),
    ...(set.size === null ? [] : [`size ${set.size}`]),
    ...(set.comment === null ? [] : [`comment "${set.comment}"`]),
  ];
  return `{ ${parts.map((part) => `${part}; `).join('')}}`;
}

function renderType({ key, value }: SetDefinition): string {
  const byExample = needsTypeof(key);
  const name = (types: readonly DatumType[]): string =>
    types.map((type) => (byExample ? datumTypes[type].example : datumTypes[type].word)).join(' . ');
  const data = value === null ? '' : ` : ${value === 'verdict' ? 'verdict' : name(value)}`;
  return `${byExample ? 'typeof' : 'type'} ${name(key)}${data}`;
}

function renderElements(elements: readonly Element[], render: (element: Element) => string): string {
  return `{ ${elements.map(render).join(', ')} }`;
}

/** As it stands in a listing, without braces. */
export function renderElement(element: Element): string {
  const timeout = element.timeoutSeconds === undefined ? '' : ` timeout ${element.timeoutSeconds}s`;
  const comment = element.comment === undefined ? '' : ` comment "${element.comment}"`;
  const value = element.value === undefined ? '' : ` : ${renderValue(element.value)}`;
  return `${renderKey(element)}${timeout}${comment}${value}`;
}

function renderKey({ key }: Element): string {
  return key.map(renderPart).join(' . ');
}

function renderPart(part: KeyPart): string {
  if (isPrefix(part)) return `${part.address}/${part.length}`;
  return isRange(part) ? `${part.from}-${part.to}` : String(part);
}

function renderValue(value: readonly Datum[] | Verdict): string {
  if (!('kind' in value)) return value.join(' . ');
  return value.kind === 'jump' || value.kind === 'goto' ? `${value.kind} ${value.chain}` : value.kind;
}

function renderRule(table: TableName, { statements, comment }: Rule): string {
  const remark = comment === undefined ? '' : ` comment "${comment}"`;
  return `${renderStatements(table.family, statements)}${remark}`;
}

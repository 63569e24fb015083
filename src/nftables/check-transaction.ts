import { checkElement } from './check-element.ts';
import { checkName, isSeconds } from './check-name.ts';
import { checkStatements } from './check-rule.ts';
import { datumTypes, needsTypeof } from './datum-type.ts';
import type { NftProblem } from './port.ts';
import { makeProblem } from './problem.ts';
import type { Command, SetDefinition, TableFamily, Transaction } from './transaction.ts';

/** Printable ASCII without quotes and backslashes, for which the tool has no escape. */
const commentPattern = /^[ !#-[\]-~]{1,127}$/;

/**
 * What no kernel would take, and what would mean something else as text, is refused before anything is sent:
 * `WP_NFT_INVALID`. Null where nothing is wrong.
 */
export function checkTransaction(transaction: Transaction): NftProblem | null {
  const { table, commands } = transaction;
  const unnamed = checkName(table.name);
  if (unnamed !== null) return makeProblem('WP_NFT_INVALID', transaction, null, unnamed);
  const sets = new Map<string, SetDefinition>();
  for (const [index, command] of commands.entries()) {
    if ('set' in command) sets.set(command.set.name, command.set);
    const reason = checkCommand(table.family, command, sets);
    if (reason !== null) return makeProblem('WP_NFT_INVALID', transaction, index, reason);
  }
  return null;
}

function checkCommand(family: TableFamily, command: Command, sets: ReadonlyMap<string, SetDefinition>): string | null {
  switch (command.kind) {
    case 'add-table':
    case 'delete-table':
    case 'flush-table':
      return null;
    case 'add-chain':
      return checkName(command.chain.name);
    case 'flush-chain':
    case 'delete-chain':
    case 'delete-rule':
      return checkName(command.chain);
    case 'add-rule':
      return (
        checkName(command.chain) ?? checkComment(command.rule.comment) ?? checkStatements(family, command.rule.statements, sets)
      );
    case 'add-set':
      return checkSet(command.set);
    case 'flush-set':
    case 'delete-set':
      return checkName(command.set.name);
    case 'add-elements':
    case 'delete-elements': {
      if (command.elements.length === 0) return 'there are no elements';
      const whole = command.kind === 'add-elements';
      for (const element of command.elements) {
        const reason = checkElement(command.set, element, whole) ?? checkComment(element.comment);
        if (reason !== null) return reason;
      }
      return checkName(command.set.name);
    }
  }
}

function checkComment(comment: string | undefined): string | null {
  if (comment === undefined || commentPattern.test(comment)) return null;
  return `the comment '${comment}' is not 1 to 127 characters of printable ASCII without quotes and backslashes`;
}

function checkSet(set: SetDefinition): string | null {
  const { name, key, value, interval, timeout, timeoutSeconds, size } = set;
  const data = value === null || value === 'verdict' ? [] : value;
  if (key.length === 0 || (value !== null && value !== 'verdict' && data.length === 0)) return `set ${name} has no type`;
  if (interval && !key.every((type) => ['ipv4', 'ipv6', 'protocol', 'port'].includes(type))) {
    return `set ${name} has intervals, which are of addresses, protocols and ports only`;
  }
  if (data.includes('random') || key.some((type) => type.endsWith(' port'))) return `set ${name} has a type in the wrong place`;
  if (data.some((type) => (type === 'port' || type.endsWith(' port')) && (type === 'port') === needsTypeof(key))) {
    return `set ${name} names the protocol of the port in its value where, and only where, its key has a random index`;
  }
  if (key.reduce((sum, type) => sum + ((datumTypes[type].length + 3) & ~3), 0) > 64)
    return `set ${name} has a key of over 64 bytes`;
  if (timeoutSeconds !== null && (!timeout || !isSeconds(timeoutSeconds)))
    return `set ${name} has a timeout of ${timeoutSeconds} s`;
  if (set.constant && size !== null) return `set ${name} is constant and has a size`;
  if (size !== null && !(Number.isInteger(size) && size > 0)) return `set ${name} has the size ${size}`;
  return checkName(name) ?? checkComment(set.comment ?? undefined);
}

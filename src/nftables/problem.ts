import { errnoName } from '../netlink/mod.ts';
import type { Command, Transaction } from './transaction.ts';
import type { NftProblem } from './port.ts';

type Code = NftProblem['code'];

/** What the error numbers of nf_tables (asm-generic) come to. */
const codes: Readonly<Record<number, Code>> = {
  1: 'WP_NFT_DENIED',
  2: 'WP_NFT_MISSING',
  13: 'WP_NFT_DENIED',
  16: 'WP_NFT_BUSY',
  17: 'WP_NFT_EXISTS',
  22: 'WP_NFT_INVALID',
  23: 'WP_NFT_FULL',
  28: 'WP_NFT_FULL',
  31: 'WP_NFT_INVALID',
  34: 'WP_NFT_INVALID',
  39: 'WP_NFT_EXISTS',
  40: 'WP_NFT_INVALID',
  61: 'WP_NFT_INVALID',
  93: 'WP_NFT_NO_KERNEL',
  95: 'WP_NFT_NO_KERNEL',
  97: 'WP_NFT_NO_KERNEL',
};

export function codeOf(errno: number): Code {
  return codes[errno] ?? 'WP_NFT_REFUSED';
}

/** A refusal of one command, or of the transaction as a whole where `command` is null. */
export function refusedProblem(transaction: Transaction, command: number | null, errno: number, text: string): NftProblem {
  const reason = text === '' ? errnoName(errno) : `${errnoName(errno)}, ${text}`;
  return makeProblem(codeOf(errno), transaction, command, reason);
}

/** Made for a generation of the rules that is not the present one. */
export function staleProblem(transaction: Transaction): NftProblem {
  return makeProblem('WP_NFT_STALE', transaction, null, 'somebody else changed the rules meanwhile');
}

/** A failure with its reason in words. */
export function makeProblem(code: Code, transaction: Transaction, command: number | null, reason: string): NftProblem {
  const { family, name } = transaction.table;
  const step = command === null ? undefined : transaction.commands[command];
  const what = step === undefined ? 'a transaction' : describeCommand(step);
  return { code, message: `nf_tables refused ${what} in table ${family} ${name}: ${reason}`, command };
}

/** A command in a few words, without its contents. */
function describeCommand(command: Command): string {
  const verb = command.kind.replace('-', ' ');
  if ('elements' in command)
    return `to ${verb.replace('elements', `${command.elements.length} elements`)} of ${command.set.name}`;
  if ('set' in command) return `to ${verb} ${command.set.name}`;
  if (!('chain' in command)) return `to ${verb}`;
  const chain = typeof command.chain === 'string' ? command.chain : command.chain.name;
  return command.kind.endsWith('rule') ? `to ${verb} in chain ${chain}` : `to ${verb} ${chain}`;
}

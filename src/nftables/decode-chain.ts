import type { ChainHook, TableFamily } from './transaction.ts';
import { readAttributes, readLong, readNumber, readText, readUserdata } from './wire-attribute.ts';
import { arpHookNumbers, chainAttribute, commentUserdata, hookAttribute, hookNumbers, ruleAttribute } from './wire-names.ts';
import { decodeStatements } from './decode-rule.ts';
import type { ChainState, RuleState } from './port.ts';

/** A chain as it was listed, still without rules. */
export interface ListedChain {
  readonly table: string;
  readonly name: string;
  readonly chain: ChainState['chain'];
}

/** A rule as it was listed, and where it stands. */
export interface ListedRule {
  readonly table: string;
  readonly chain: string;
  readonly rule: RuleState;
}

const acceptPolicy = 1;

/** Reads a chain's attributes, those of a `NFT_MSG_NEWCHAIN`. */
export function decodeChain(family: TableFamily, view: DataView): ListedChain | null {
  const attributes = readAttributes(view);
  const name = readText(attributes?.get(chainAttribute.name));
  if (attributes === null || name === '') return null;
  const place = { table: readText(attributes.get(chainAttribute.table)), name };
  const nest = attributes.get(chainAttribute.hook);
  if (nest === undefined) return { ...place, chain: { name, hook: null } };
  const hook = decodeHook(family, readText(attributes.get(chainAttribute.type)), readAttributes(nest));
  const accepts = readNumber(attributes.get(chainAttribute.policy), acceptPolicy) === acceptPolicy;
  return { ...place, chain: hook === null || !accepts ? null : { name, hook } };
}

function decodeHook(family: TableFamily, type: string, attributes: ReadonlyMap<number, DataView> | null): ChainHook | null {
  const number = readNumber(attributes?.get(hookAttribute.number), -1);
  const numbers: Readonly<Record<string, number>> = family === 'arp' ? arpHookNumbers : hookNumbers;
  const hook = (Object.keys(hookNumbers) as ChainHook['hook'][]).find((word) => numbers[word] === number);
  if (hook === undefined || (type !== 'filter' && type !== 'nat' && type !== 'route')) return null;
  return { type, hook, priority: readNumber(attributes?.get(hookAttribute.priority)) | 0 };
}

/** Reads a rule's attributes, those of a `NFT_MSG_NEWRULE`. */
export function decodeRule(family: TableFamily, view: DataView): ListedRule | null {
  const attributes = readAttributes(view);
  const handle = readLong(attributes?.get(ruleAttribute.handle));
  if (attributes === null || handle === null) return null;
  const comment = readUserdata(attributes.get(ruleAttribute.userdata)).get(commentUserdata);
  return {
    table: readText(attributes.get(ruleAttribute.table)),
    chain: readText(attributes.get(ruleAttribute.chain)),
    rule: {
      handle,
      statements: decodeStatements(family, attributes.get(ruleAttribute.expressions)),
      comment: comment === undefined ? null : readText(comment),
    },
  };
}

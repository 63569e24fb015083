import { familyOf } from '../model/mod.ts';
import type { Family } from '../model/mod.ts';
import { parseAddressMatch } from './address-text.ts';
import { readMatch } from './parse-match.ts';
import { harmlessTargets, matchOptions, targetOptions } from './parse-options.ts';
import type { Extension } from './parse-options.ts';
import { defaultReject, readTarget } from './parse-target.ts';
import { splitWords } from './parse-words.ts';
import { hasTwoPortMatches, renderRule } from './render.ts';
import type { AddressMatch, InterfaceMatch, Match, Rule, RuleText, Target, TransportName } from './rule.ts';

export type RuleParse = { readonly ok: true; readonly rule: Rule } | { readonly ok: false; readonly reason: string };

interface Draft {
  source?: AddressMatch;
  destination?: AddressMatch;
  inInterface?: InterfaceMatch;
  outInterface?: InterfaceMatch;
  protocol?: { readonly name: TransportName; readonly not: boolean };
  readonly matches: Extension[];
  target: Extension | null;
  goto: boolean;
}

/**
 * Reads the text of one rule, as it stands after `-A <chain> `, in any order and any spelling the tool
 * takes. A rule outside this product's vocabulary is refused with the reason.
 */
export function parseRule(text: string): RuleParse {
  const words = splitWords(text);
  if (words === null) return refuse('a quote is not closed');
  const draft: Draft = { matches: [], target: null, goto: false };
  for (let at = 0; at < words.length;) {
    const not = words[at] === '!';
    if (not) at += 1;
    const word = words[at];
    if (word === undefined) return refuse('nothing follows the exclamation mark');
    const taken = takeWord(draft, word, [words[at + 1], words[at + 2]], not);
    if (typeof taken === 'string') return refuse(taken);
    at += taken;
  }
  return finishRule(draft);
}

/** The canonical text of a rule; the text itself where the rule is not of our vocabulary. */
export function canonicalRule(text: string): RuleText {
  const parsed = parseRule(text);
  return parsed.ok ? renderRule(parsed.rule) : text;
}

/** What can be told of a rule outside the vocabulary. */
export interface RuleHeader {
  /** Addresses, devices and protocol only. */
  readonly rule: Rule;
  /** It asks for a protocol that no Service has. */
  readonly otherProtocol: boolean;
  /** Its target decides nothing of where a packet goes. */
  readonly harmless: boolean;
}

/** Reads as much of a foreign rule as tells which packets it cannot match; null where its words cannot be told apart. */
export function parseHeader(text: string): RuleHeader | null {
  const words = splitWords(text);
  if (words === null) return null;
  const draft: Draft = { matches: [], target: null, goto: false };
  let otherProtocol = false;
  let target = '';
  for (const [at, word] of words.entries()) {
    const value = words[at + 1];
    const not = words[at - 1] === '!';
    if (value === undefined) break;
    if (word === '-j') target = value;
    else if (headerOptions.has(word) && basicOptions[word]?.(draft, value, not) !== null) {
      if (word !== '-p') return null;
      otherProtocol = !not;
    }
  }
  const { matches: _matches, target: _target, goto: _goto, ...header } = draft;
  return { rule: { ...header, matches: [], target: null }, otherProtocol, harmless: harmlessTargets.has(target) };
}

const headerOptions: ReadonlySet<string> = new Set(['-s', '-d', '-i', '-o', '-p']);

/** The two words after an option. */
type Following = readonly [string | undefined, string | undefined];

/** Takes one option into the draft: how many words it used, or why it was refused. */
function takeWord(draft: Draft, word: string, next: Following, not: boolean): number | string {
  const basic = basicOptions[word];
  if (basic === undefined) return takeExtensionOption(draft, word, next, not);
  const [value] = next;
  if (value === undefined) return `${word} needs a value`;
  return basic(draft, value, not) ?? 2;
}

type BasicOption = (draft: Draft, value: string, not: boolean) => string | null;

const source: BasicOption = (draft, value, not) => {
  const match = parseAddressMatch(value, not);
  if (match === null || draft.source !== undefined) return `source ${value}`;
  if (match.mask !== 0 || not) draft.source = match;
  return null;
};

const destination: BasicOption = (draft, value, not) => {
  const match = parseAddressMatch(value, not);
  if (match === null || draft.destination !== undefined) return `destination ${value}`;
  if (match.mask !== 0 || not) draft.destination = match;
  return null;
};

const inInterface: BasicOption = (draft, name, not) => {
  if (draft.inInterface !== undefined || !isInterfaceName(name)) return `interface ${name}`;
  if (name !== '+' || not) draft.inInterface = { name, not };
  return null;
};

const outInterface: BasicOption = (draft, name, not) => {
  if (draft.outInterface !== undefined || !isInterfaceName(name)) return `interface ${name}`;
  if (name !== '+' || not) draft.outInterface = { name, not };
  return null;
};

const protocol: BasicOption = (draft, value, not) => {
  const name = transportNames[value.toLowerCase()];
  if (name === undefined || draft.protocol !== undefined) return `protocol ${value}`;
  if (name !== 'all') draft.protocol = { name, not };
  return name === 'all' && not ? 'no protocol at all' : null;
};

const match: BasicOption = (draft, name, not) => {
  if (not || !Object.hasOwn(matchOptions, name)) return `match ${name}`;
  draft.matches.push({ name, given: new Map() });
  return null;
};

const jump: BasicOption = (draft, name, not) => {
  if (not || draft.target !== null || !isChainName(name)) return `target ${name}`;
  draft.target = { name, given: new Map() };
  return null;
};

const goto: BasicOption = (draft, name, not) => {
  draft.goto = true;
  return jump(draft, name, not);
};

const basicOptions: Readonly<Record<string, BasicOption | undefined>> = Object.assign(Object.create(null), {
  '-s': source,
  '--source': source,
  '--src': source,
  '-d': destination,
  '--destination': destination,
  '--dst': destination,
  '-i': inInterface,
  '--in-interface': inInterface,
  '-o': outInterface,
  '--out-interface': outInterface,
  '-p': protocol,
  '--protocol': protocol,
  '--proto': protocol,
  '-m': match,
  '--match': match,
  '-j': jump,
  '--jump': jump,
  '-g': goto,
  '--goto': goto,
});

const transportNames: Readonly<Record<string, TransportName | 'all' | undefined>> = Object.assign(Object.create(null), {
  tcp: 'tcp',
  udp: 'udp',
  sctp: 'sctp',
  '6': 'tcp',
  '17': 'udp',
  '132': 'sctp',
  all: 'all',
  '0': 'all',
});

/** An option belongs to the target if that has it, else to the last match that has it. */
function takeExtensionOption(draft: Draft, word: string, next: Following, not: boolean): number | string {
  if (!word.startsWith('--')) return `option ${word}`;
  const equals = word.indexOf('=');
  const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
  const extension = findExtension(draft, name);
  if (extension === null) return `option ${word}`;
  const kind = (extension === draft.target ? targetOptions : matchOptions)[extension.name]?.[name];
  if (kind === undefined || extension.given.has(kind.name)) return `option ${word}`;
  const given = (equals < 0 ? next : [word.slice(equals + 1), next[0]]).slice(0, kind.values);
  if (given.includes(undefined)) return `${word} needs a value`;
  extension.given.set(kind.name, { value: given.join(' '), not });
  return equals < 0 || kind.values === 0 ? 1 + kind.values : kind.values;
}

function findExtension(draft: Draft, option: string): Extension | null {
  const has = (options: (typeof matchOptions)[string] | undefined): boolean =>
    options !== undefined && Object.hasOwn(options, option);
  if (draft.target !== null && !draft.goto && has(targetOptions[draft.target.name])) return draft.target;
  const loaded = draft.matches.findLast((one) => has(matchOptions[one.name]));
  if (loaded !== undefined) return loaded;
  // `-p tcp --dport 80` loads the protocol's own extension without a `-m`.
  const name = draft.protocol?.name;
  if (name === undefined || draft.protocol?.not === true || !has(matchOptions[name])) return null;
  const implied: Extension = { name, given: new Map() };
  draft.matches.push(implied);
  return implied;
}

function finishRule(draft: Draft): RuleParse {
  const { source: from, destination: to, inInterface: into, outInterface: outOf, protocol: transport } = draft;
  const target = finishTarget(draft);
  if (target === undefined) return refuse(`target ${draft.target?.name} with these options`);
  const base: Rule = {
    ...(from !== undefined && { source: from }),
    ...(to !== undefined && { destination: to }),
    ...(into !== undefined && { inInterface: into }),
    ...(outOf !== undefined && { outInterface: outOf }),
    ...(transport !== undefined && { protocol: transport }),
    matches: [],
    target,
  };
  const family = draftFamily(draft, target);
  const matches: Match[] = [];
  for (const extension of draft.matches) {
    const read = readMatch(extension, family);
    if (read === null) return refuse(`match ${extension.name} with these options`);
    if (read.kind === 'destination-port' && (transport?.name !== read.protocol || transport.not)) {
      return refuse(`match ${extension.name} without its protocol`);
    }
    matches.push(read);
  }
  const rule = { ...base, matches };
  return hasTwoPortMatches(rule) ? refuse('two port matches') : { ok: true, rule };
}

/** Undefined where the target is outside the vocabulary. */
function finishTarget(draft: Draft): Target | null | undefined {
  if (draft.target === null) return null;
  if (draft.target.name === 'REJECT' && draft.target.given.size === 0 && !draft.goto) {
    const family = draftFamily(draft, null);
    return family === null ? undefined : defaultReject(family);
  }
  return readTarget(draft.target, draft.goto) ?? undefined;
}

function draftFamily(draft: Draft, target: Target | null): Family | null {
  const address = draft.source?.address ?? draft.destination?.address ?? (target?.kind === 'dnat' ? target.address : undefined);
  return address === undefined ? null : familyOf(address);
}

function isInterfaceName(name: string): boolean {
  return name.length <= 15 && /^[^\s"/]+$/.test(name);
}

function isChainName(name: string): boolean {
  return name.length <= 28 && /^[^\s"]+$/.test(name);
}

function refuse(reason: string): RuleParse {
  return { ok: false, reason };
}

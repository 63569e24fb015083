import { familyOf, formatEndpoint } from '../model/mod.ts';
import type { Address, Family } from '../model/mod.ts';
import { printAddress, printAddressMatch } from './address-text.ts';
import type { ConntrackState, InterfaceMatch, Match, Rule, RuleText, Target } from './rule.ts';

/** The order in which the tool prints `--ctstate`. */
export const conntrackStates: readonly ConntrackState[] = [
  'INVALID',
  'NEW',
  'RELATED',
  'ESTABLISHED',
  'UNTRACKED',
  'SNAT',
  'DNAT',
];

/** `recent --mask` over the whole address, as the tool prints it. */
export const fullMask: Readonly<Record<Family, string>> = {
  IPv4: '255.255.255.255',
  IPv6: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
};

/**
 * The text that `iptables-save` 1.8.9, either variant, prints after `-A <chain> ` for this rule.
 * Throws a TypeError for what would not survive the way through a restore file: line ends in names and
 * comments, comments above 255 bytes, two port matches.
 *
 * One rule has no faithful text: a port match that excludes every port is printed without its ports.
 */
export function renderRule(rule: Rule): RuleText {
  const parts: string[] = [];
  if (rule.source !== undefined) parts.push(renderAddress('-s', rule.source));
  if (rule.destination !== undefined) parts.push(renderAddress('-d', rule.destination));
  if (rule.inInterface !== undefined) parts.push(renderInterface('-i', rule.inInterface));
  if (rule.outInterface !== undefined) parts.push(renderInterface('-o', rule.outInterface));
  if (rule.protocol !== undefined) parts.push(`${negation(rule.protocol.not)}-p ${rule.protocol.name}`);
  for (const match of rule.matches) parts.push(renderMatch(match, rule));
  if (hasTwoPortMatches(rule)) throw new TypeError('the nft variant keeps only one port match of a rule');
  if (rule.target !== null) parts.push(renderTarget(rule.target));
  return parts.includes('') ? parts.filter((part) => part !== '').join(' ') : parts.join(' ');
}

/** The family that a rule's addresses tell; null where there are none. */
function ruleFamily(rule: Rule): Family | null {
  const address: Address | undefined =
    rule.source?.address ?? rule.destination?.address ?? (rule.target?.kind === 'dnat' ? rule.target.address : undefined);
  return address === undefined ? null : familyOf(address);
}

/** The nft variant of the tools silently drops all but one of several port matches. */
export function hasTwoPortMatches({ matches }: Rule): boolean {
  return matches.findIndex(isPortMatch) !== matches.findLastIndex(isPortMatch);
}

function isPortMatch(match: Match): boolean {
  return match.kind === 'destination-port';
}

function renderAddress(option: '-s' | '-d', match: NonNullable<Rule['source']>): string {
  const text = printAddressMatch(match);
  return text === null ? '' : `${negation(match.not)}${option} ${text}`;
}

function renderInterface(option: '-i' | '-o', match: InterfaceMatch): string {
  return match.name === '+' && !match.not ? '' : `${negation(match.not)}${option} ${plainWord(match.name)}`;
}

function renderMatch(match: Match, rule: Rule): string {
  switch (match.kind) {
    case 'comment':
      return `-m comment --comment ${quoteComment(match.text)}`;
    case 'destination-port':
      return renderPorts(match);
    case 'conntrack': {
      const states = conntrackStates.filter((state) => match.states.includes(state));
      return `-m conntrack ${negation(match.not)}--ctstate ${states.join(',')}`;
    }
    case 'address-type':
      return `-m addrtype ${negation(match.not)}--${match.side}-type ${match.type}`;
    case 'mark': {
      const mask = match.mask === 0xffffffff ? '' : `/${hex(match.mask)}`;
      return `-m mark ${negation(match.not)}--mark ${hex(match.value)}${mask}`;
    }
    case 'random':
      return `-m statistic --mode random --probability ${renderProbability(match.threshold)}`;
    case 'recent':
      return renderRecent(match, ruleFamily(rule));
    case 'set':
      return `-m set ${negation(match.not)}--match-set ${plainWord(match.set)} src`;
    case 'bpf':
      return `-m bpf --bytecode "${match.bytecode}"`;
    default:
      return match satisfies never;
  }
}

function renderPorts(match: Match & { kind: 'destination-port' }): string {
  const { protocol, from, to, not } = match;
  // The tcp and udp extensions print no range that holds every port; sctp prints all.
  if (from === 0 && to === 65535 && !not && protocol !== 'sctp') return `-m ${protocol}`;
  return `-m ${protocol} ${negation(not)}--dport ${from === to ? from : `${from}:${to}`}`;
}

function renderRecent(match: Match & { kind: 'recent' }, family: Family | null): string {
  const seconds = match.seconds === null ? '' : ` --seconds ${match.seconds}`;
  const reap = match.reap ? ' --reap' : '';
  const mask = fullMask[family ?? match.family ?? 'IPv4'];
  return `-m recent --${match.mode}${seconds}${reap} --name ${plainWord(match.list)} --mask ${mask} --rsource`;
}

/**
 * `threshold / 2^31` with C's `%.11f`, which rounds exact ties to even where `toFixed` rounds up. A tie
 * has exactly twelve decimals: an odd multiple of 1/4096.
 */
function renderProbability(threshold: number): string {
  const chance = threshold / 2 ** 31;
  if ((threshold / 2 ** 19) % 2 !== 1) return chance.toFixed(11);
  const floor = chance.toFixed(12).slice(0, -1);
  return '02468'.includes(floor.slice(-1)) ? floor : chance.toFixed(11);
}

function renderTarget(target: Target): string {
  switch (target.kind) {
    case 'jump':
      return `-j ${plainWord(target.chain)}`;
    case 'goto':
      return `-g ${plainWord(target.chain)}`;
    case 'accept':
      return '-j ACCEPT';
    case 'drop':
      return '-j DROP';
    case 'return':
      return '-j RETURN';
    case 'reject':
      return `-j REJECT --reject-with ${target.with}`;
    case 'mark':
      return `-j MARK --set-xmark ${hex(target.value)}/${hex(target.mask)}`;
    case 'dnat':
      return `-j DNAT --to-destination ${formatEndpoint(printAddress(target.address), target.port)}`;
    case 'remember':
      return `-j SET --add-set ${plainWord(target.set)} src --exist --timeout ${target.seconds}`;
    case 'masquerade':
      return target.randomFully ? '-j MASQUERADE --random-fully' : '-j MASQUERADE';
    default:
      return target satisfies never;
  }
}

/** libxtables' `xtables_save_string`: bare if made of letters, digits, `_` and `-`, else quoted. */
function quoteComment(text: string): string {
  if (/[\0\n\r]/.test(text)) throw new TypeError('a rule comment cannot hold line ends');
  if (Buffer.byteLength(text) > 255) throw new TypeError('a rule comment is at most 255 bytes long');
  if (/^[-_0-9A-Za-z]+$/.test(text)) return text;
  return `"${text.replace(/["\\']/g, '\\$&')}"`;
}

function plainWord(text: string): string {
  if (!/^[^\s"\0]+$/.test(text)) throw new TypeError(`not usable as a name in a rule: ${JSON.stringify(text)}`);
  return text;
}

function negation(not: boolean): string {
  return not ? '! ' : '';
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

import { formatDuration, isPort, parseDuration } from '../model/mod.ts';
import type { Problem } from '../model/mod.ts';
import { formatType, parseType } from './constants.ts';
import type { Token } from './corefile-lex.ts';
import { placeOf } from './corefile-tree.ts';
import type { Line } from './corefile-tree.ts';
import { rootName } from './name.ts';
import type { Name } from './name.ts';
import type { ListenText } from './settings.ts';
import type { Notes } from './settings-reading.ts';
import { parseListen } from './settings-text.ts';
import { readZones } from './settings-zones.ts';

/** Where the reader is: what messages name, and what directives take from their server block. */
export interface Scope {
  readonly notes: Notes;
  readonly directive: string;
  /** Zones of the server block, in lower case. */
  readonly zones: readonly Name[];
  /** The node's resolv.conf. */
  readonly upstreamFile: string;
}

export function complain(scope: Scope, token: Token, sentence: string, code: Problem['code'] = 'WP_DNS_COREFILE_VALUE'): void {
  scope.notes.problems.push({ code, message: `${placeOf(token)}: ${scope.directive}: ${sentence}` });
}

export function warn(scope: Scope, token: Token, sentence: string): void {
  scope.notes.warnings.push({ code: 'WP_DNS_COREFILE_IGNORED', message: `${placeOf(token)}: ${scope.directive}: ${sentence}` });
}

/** What reads an option; its arguments come without its name. */
export type OptionReader = (args: readonly Token[], option: Token, line: Line) => void;

/** Reads the lines of a directive's block. Unknown options are problems. */
export function readOptions(scope: Scope, line: Line, readers: Readonly<Record<string, OptionReader>>): void {
  for (const inner of line.body ?? []) {
    const [option, ...args] = inner.words;
    const reader = Object.hasOwn(readers, option.text) ? readers[option.text] : undefined;
    if (reader === undefined) complain(scope, option, `unknown option "${option.text}"`, 'WP_DNS_COREFILE_DIRECTIVE');
    else if (inner.body !== null) complain(scope, option, `the option ${option.text} has no block`);
    else reader(args, option, inner);
  }
}

/** Whether there are as many arguments as there may be; says so if not. */
export function hasArguments(scope: Scope, at: Token, args: readonly Token[], least: number, most: number): boolean {
  if (args.length >= least && args.length <= most) return true;
  const wanted = least === most ? String(least) : most === Infinity ? `at least ${least}` : `${least} to ${most}`;
  const found = args.map(({ text }) => `"${text}"`).join(' ');
  complain(scope, at, `${at.text} takes ${wanted} arguments and not ${args.length}${found === '' ? '' : `: ${found}`}`);
  return false;
}

/** A whole number within bounds; complains and gives null for anything else. */
export function readWhole(scope: Scope, token: Token, what: string, min: number, max: number): number | null {
  const value = Number(token.text);
  if (/^\d{1,15}$/.test(token.text) && value >= min && value <= max) return value;
  const range = max >= Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  complain(scope, token, `${what} must be a whole number ${range}, not "${token.text}"`);
  return null;
}

/** Milliseconds within bounds, from Go's form; complains and gives null for anything else. */
export function readTime(scope: Scope, token: Token, what: string, min: number, max: number): number | null {
  const value = parseDuration(token.text);
  if (value !== null && value >= min && value <= max) return value;
  const range = max === Infinity ? `of at least ${formatDuration(min)}` : `from ${formatDuration(min)} to ${formatDuration(max)}`;
  complain(scope, token, `${what} must be a duration ${range}, not "${token.text}"`);
  return null;
}

/** Zones, of names and prefixes; the fallback where there are no words. */
export function readZoneList(scope: Scope, tokens: readonly Token[], fallback: readonly Name[]): readonly Name[] {
  return tokens.length === 0 ? fallback : tokens.flatMap((token) => readZone(scope, token));
}

export function readZone(scope: Scope, token: Token): readonly Name[] {
  const zones = readZones(token.text);
  if (zones === null) complain(scope, token, `"${token.text}" is neither a zone nor a prefix`);
  return zones ?? [];
}

/** Where `fallthrough` holds: everywhere without words. */
export function readFallthrough(scope: Scope, tokens: readonly Token[]): readonly Name[] {
  return readZoneList(scope, tokens, [rootName]);
}

/** The number of a record type; complains and gives null for anything else. */
export function readType(scope: Scope, token: Token): number | null {
  const type = parseType(token.text);
  if (type === null) complain(scope, token, `"${token.text}" is no record type such as ${formatType(1)} or TYPE65`);
  return type;
}

/** `HOST:PORT`; complains and gives null for anything else. */
export function readListen(scope: Scope, token: Token): ListenText | null {
  // The directives of CoreDNS also take an address alone of a scheme that changes nothing.
  const listen = parseListen(token.text.replace(/^dns:\/\//, ''));
  if (listen === null || !isPort(listen.port))
    complain(scope, token, `"${token.text}" is no address to listen on, such as :8080 or 10.0.0.1:8080`);
  return listen;
}

import type { Problem } from '../model/mod.ts';

/**
 * Everything that can go wrong with the tools and the kernel behind them:
 *
 * - `TOOL_MISSING`: the program is not installed or cannot be executed.
 * - `LOCKED`: another program held the xtables lock for as long as we wait.
 * - `PERMISSION`: CAP_NET_ADMIN or CAP_NET_RAW is missing, or the lock file cannot be written.
 * - `NO_MATCH`: the tool or the kernel lacks a match or target; the message names it.
 * - `NO_CHAIN`: a chain that is changed, deleted or jumped to does not exist.
 * - `NO_RULE`: the rule to delete, or the place to insert at, does not exist.
 * - `IN_USE`: the chain to delete is still jumped to.
 * - `NO_TABLE`: the kernel lacks the table or the whole family.
 * - `TIMEOUT`: the tool was ended because it took too long; what it did is unknown.
 * - `TOO_BIG`: the tool printed more than we take.
 * - `HELPER`: the process that runs the tools died; what the tool did is unknown.
 * - `UNREADABLE`: `iptables-save` printed something that is not its format.
 * - `SET`: `ipset` refused to make, list or remove a set.
 * - `REFUSED`: any other refusal, in the tool's own words.
 */
export type IptablesCode =
  | 'WP_IPTABLES_TOOL_MISSING'
  | 'WP_IPTABLES_LOCKED'
  | 'WP_IPTABLES_PERMISSION'
  | 'WP_IPTABLES_NO_MATCH'
  | 'WP_IPTABLES_NO_CHAIN'
  | 'WP_IPTABLES_NO_RULE'
  | 'WP_IPTABLES_IN_USE'
  | 'WP_IPTABLES_NO_TABLE'
  | 'WP_IPTABLES_TIMEOUT'
  | 'WP_IPTABLES_TOO_BIG'
  | 'WP_IPTABLES_HELPER'
  | 'WP_IPTABLES_UNREADABLE'
  | 'WP_IPTABLES_SET'
  | 'WP_IPTABLES_REFUSED';

export interface IptablesProblem extends Problem {
  readonly code: IptablesCode;
}

export function iptablesProblem(code: IptablesCode, message: string): IptablesProblem {
  return { code, message };
}

const aboutEverything: ReadonlySet<string> = new Set<IptablesCode>([
  'WP_IPTABLES_TOOL_MISSING',
  'WP_IPTABLES_LOCKED',
  'WP_IPTABLES_PERMISSION',
  'WP_IPTABLES_NO_TABLE',
  'WP_IPTABLES_TIMEOUT',
  'WP_IPTABLES_TOO_BIG',
  'WP_IPTABLES_HELPER',
  'WP_IPTABLES_UNREADABLE',
]);

/** True if any other batch would have failed the same way, so that no single rule is to blame. */
export function isAboutEverything(problem: Problem): boolean {
  return aboutEverything.has(problem.code);
}

/** A program that came to its end. */
export interface ToolExit {
  /** The program's name, for messages. */
  readonly tool: string;
  /** Exit status as the shell reports it: 126 and 127 mean the program did not start. */
  readonly status: number;
  readonly stderr: string;
}

/** Failures that say nothing about a line of input; null if this is none of them. */
export function explainGeneral({ tool, status, stderr }: ToolExit): IptablesProblem | null {
  const said = firstLine(stderr);
  if (status === 127 || status === 126 || /exec of "[^"]*" failed/.test(stderr)) {
    return iptablesProblem('WP_IPTABLES_TOOL_MISSING', `${tool} cannot be executed: ${said || `status ${status}`}`);
  }
  if (/xtables lock|Can't lock /.test(stderr)) {
    return iptablesProblem('WP_IPTABLES_LOCKED', `${tool}: another program holds the xtables lock`);
  }
  if (/can't open lock file/.test(stderr)) {
    return iptablesProblem('WP_IPTABLES_PERMISSION', `${tool} cannot write the xtables lock file: ${said}`);
  }
  if (/Permission denied|Operation not permitted|must be root/.test(stderr)) {
    return iptablesProblem('WP_IPTABLES_PERMISSION', `${tool} needs the capabilities CAP_NET_ADMIN and CAP_NET_RAW: ${said}`);
  }
  if (noTable.test(stderr)) {
    return iptablesProblem('WP_IPTABLES_NO_TABLE', `${tool}: the kernel lacks a table or the family: ${said}`);
  }
  return null;
}

const noTable = new RegExp(
  [
    'unable to initialize table',
    "can't initialize ip6?tables table",
    'Failed to initialize (?:nft|xtables)',
    'Could not fetch rule set generation id',
    'Table does not exist',
    'table name .* invalid',
    "Table `[^']*' does not exist",
    'Address family not supported',
  ].join('|'),
);

/** The first line of an error text that says something, without the program's name and version. */
export function firstLine(stderr: string): string {
  for (const line of stderr.split('\n')) {
    const text = line.replace(/^ip6?tables[-\w]*(?: v[\d.]+(?: \([\w-]+\))?)?: */, '').trim();
    if (text !== '') return text;
  }
  return '';
}

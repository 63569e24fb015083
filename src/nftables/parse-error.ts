import { errnos } from '../netlink/mod.ts';
import { codeOf } from './problem.ts';
import type { NftProblem } from './port.ts';

/** What the tool said about a transaction: which line, and what kind of failure. */
export interface ToolFailure {
  /** From 0; null where it names none. */
  readonly line: number | null;
  readonly code: NftProblem['code'];
  readonly reason: string;
}

/** Sentences of strerror(3) and of the tool itself, by the code they come to. */
const reasons: readonly (readonly [RegExp, NftProblem['code']])[] = [
  [/File exists|Directory not empty|overlaps with an existing|conflicting intervals/i, 'WP_NFT_EXISTS'],
  [/No such file or directory|does not exist/i, 'WP_NFT_MISSING'],
  [/Operation not permitted|Permission denied/i, 'WP_NFT_DENIED'],
  [/Device or resource busy/i, codeOf(errnos.EBUSY)],
  [/Too many open files|No space left/i, 'WP_NFT_FULL'],
  [/Operation not supported|Protocol not supported|Address family not supported/i, 'WP_NFT_NO_KERNEL'],
  [/Invalid argument|Too many levels of symbolic links|Too many links|out of range/i, 'WP_NFT_INVALID'],
  [/syntax error|datatype mismatch|Could not resolve|conflicting|is not a map/i, 'WP_NFT_INVALID'],
];

/** Reads what the tool wrote to standard error; of several complaints the first. */
export function parseToolError(stderr: string): ToolFailure {
  const lines = stderr.trim().split('\n');
  const first = lines.find((line) => /Error: |not permitted|Permission denied/.test(line)) ?? lines[0] ?? '';
  const place = /^(?:\S*stdin|-):(\d+):/.exec(first);
  const reason = first.replace(/^.*?Error: /, '').replace(/^Could not process rule: /, '');
  const code = reasons.find(([pattern]) => pattern.test(first))?.[1] ?? 'WP_NFT_REFUSED';
  return { line: place === null ? null : Number(place[1]) - 1, code, reason: reason === '' ? 'no reason given' : reason };
}

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface FoundCodes {
  /** Every code that stands as a string in the text, sorted. */
  readonly codes: readonly string[];
  /** Codes that are put together, which no table could list: there must be none. */
  readonly built: readonly string[];
}

/** Tests, their helpers, and kernels that are made up for tests make codes that no operator sees. */
const madeUp = /\.(?:test|fixture)\.ts$|(?:^|\/)(?:fake|faulty)[\w-]*\.ts$/;

/** The codes that what is under `folder` can report. */
export function collectCodes(folder: string): FoundCodes {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !madeUp.test(file))
    .toSorted();
  return findCodes(files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n'));
}

export function findCodes(text: string): FoundCodes {
  const codes = [...text.matchAll(/(['"`])(WP_[A-Z\d_]*[A-Z\d])\1/g)].filter(({ index }) => !isInComment(text, index));
  // `WP_${string}` is a type.
  const built = [...text.matchAll(/`WP_[A-Z\d_]*\$\{(?!string\})[^`]*`|['"]WP_(?:[A-Z\d_]*_)?['"] ?\+/g)];
  return {
    codes: [...new Set(codes.map(([, , code = '']) => code))].toSorted(),
    built: built.map(([found]) => found),
  };
}

function isInComment(text: string, at: number): boolean {
  return /^\s*(?:\/\/|\/?\*)/.test(text.slice(text.lastIndexOf('\n', at) + 1, at));
}

import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { looksLikeShell, readBlocks, shellLanguages } from './read-blocks.ts';
import type { Block } from './read-blocks.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The pages that operators read. */
export const pages: readonly string[] = globSync(['README.md', 'docs/*.md'], { cwd: root }).toSorted();

export const allBlocks: readonly Block[] = pages.flatMap((file) => readBlocks(file, readFileSync(`${root}${file}`, 'utf8')));

/** Blocks of commands; those that only look so are found too, so that none escapes. */
export const shellBlocks = allBlocks.filter((block) => shellLanguages.has(block.language) || looksLikeShell(block));

/** The place of a block, as editors open it. */
export function placeOf({ file, line }: Block): string {
  return `${file}:${line}`;
}

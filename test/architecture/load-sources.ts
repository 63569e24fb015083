import { globSync, readFileSync } from 'node:fs';
import { parseSource } from './parse-source.ts';
import type { SourceFile } from './source-file.ts';

const repository = new URL('../../', import.meta.url).pathname;

/** Reads and parses all TypeScript files below the given folders of the repository, in the order of their paths. */
export function loadSources(folders: readonly string[]): readonly SourceFile[] {
  const paths = folders.flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: repository }));
  return paths.toSorted().map((path) => parseSource(path, readFileSync(`${repository}${path}`, 'utf8')));
}

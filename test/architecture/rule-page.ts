import { posix } from 'node:path';
import { isTest } from './source-file.ts';
import type { ImportEdge, SourceFile, Violation } from './source-file.ts';

/** Files that the agent hands to browsers as they are. */
const page = 'src/observe/page/';
/** Those of them that use what only a browser has. */
const browser = `${page}browser/`;

/**
 * The status page runs in browsers, which are served its folder and nothing else: what it imports beyond that may be types
 * alone. The agent, in turn, has no document: it takes nothing from the scripts that do.
 */
export function findPageArrows(files: readonly SourceFile[]): readonly Violation[] {
  return files
    .filter(({ path }) => !isTest(path))
    .flatMap((file) =>
      file.imports.flatMap((edge) => {
        const reason = judgeEdge(file.path, edge);
        return reason === null ? [] : [{ path: file.path, line: edge.line, reason }];
      }),
    );
}

function judgeEdge(path: string, { specifier, typeOnly }: ImportEdge): string | null {
  const target = specifier?.startsWith('.') === true ? posix.join(posix.dirname(path), specifier) : specifier;
  if (target === null || typeOnly) return null;
  if (path.startsWith(page) && !target.startsWith(page)) {
    return `'${specifier}' is not served to browsers: the status page imports from its own folder, and types from elsewhere`;
  }
  if (!path.startsWith(browser) && target.startsWith(browser)) {
    return `${target} is for browsers: without a document it does nothing`;
  }
  return null;
}

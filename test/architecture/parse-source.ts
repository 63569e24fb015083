import { parseSync } from 'oxc-parser';
import { findImport } from './collect-imports.ts';
import { findBinding, findUse } from './collect-uses.ts';
import type { ImportEdge, SourceFile, WorldUse } from './source-file.ts';
import { walkSyntax } from './walk-syntax.ts';
import type { SyntaxNode } from './walk-syntax.ts';

/** Reads from the text of a TypeScript file what the rules need. `path` is relative to the repository. */
export function parseSource(path: string, text: string): SourceFile {
  const { program, comments, errors } = parseSync(path, text, { lang: 'ts', sourceType: 'module' });
  const places = [...walkSyntax(program as unknown as SyntaxNode)];
  const bound = new Set(places.map(findBinding).filter((name) => name !== null));
  const lineStarts = findLineStarts(text);
  const imports: ImportEdge[] = [];
  const uses: WorldUse[] = [];
  for (const place of places) {
    const line = lineAt(lineStarts, place.node.start);
    const found = findImport(place);
    if (found !== null) imports.push({ ...found, line });
    const name = findUse(place, bound);
    if (name !== null) uses.push({ name, line });
  }
  const first = comments[0];
  return {
    path,
    lineCount: text.endsWith('\n') ? lineStarts.length - 1 : lineStarts.length,
    startsWithDoc:
      first !== undefined && first.type === 'Block' && first.value.startsWith('*') && text.slice(0, first.start).trim() === '',
    imports,
    uses,
    syntaxErrors: errors.map((error) => error.message),
  };
}

function findLineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** The line, counted from 1, of an offset; by bisection, since files are long and places many. */
function lineAt(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle;
  }
  return low + 1;
}

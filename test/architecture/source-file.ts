/** One mention of another module: import, re-export, `import()`, type import, `require` or `new URL(..., import.meta.url)`. */
export interface ImportEdge {
  /** As written; null where it is computed and so cannot be checked. */
  readonly specifier: string | null;
  /** Imported names; `*` for the whole module. */
  readonly names: readonly string[];
  /** Leaves nothing behind at run time. */
  readonly typeOnly: boolean;
  readonly line: number;
}

/** A use of something that reads a clock, chance or the world, e.g. `Date.now`, `new Date()`, `setTimeout`, `await`. */
export interface WorldUse {
  readonly name: string;
  readonly line: number;
}

/** What the rules need to know of a file. */
export interface SourceFile {
  /** Relative to the repository, with `/`. */
  readonly path: string;
  readonly lineCount: number;
  /** The first thing in the file is a doc comment. */
  readonly startsWithDoc: boolean;
  readonly imports: readonly ImportEdge[];
  readonly uses: readonly WorldUse[];
  /** What the parser could not make sense of. */
  readonly syntaxErrors: readonly string[];
}

/** A broken rule, with the reason in words. */
export interface Violation {
  readonly path: string;
  readonly line: number;
  readonly reason: string;
}

/** One line per violation, as compilers print them. */
export function formatViolation(violation: Violation): string {
  return `${violation.path}:${violation.line}: ${violation.reason}`;
}

/** `src/ipvs/plan.ts` is of the room `ipvs`; null for files in no room. */
export function roomOf(path: string): string | null {
  return /^src\/([^/]+)\//.exec(path)?.[1] ?? null;
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Tests, and the data they share with other tests beside the same source. */
export function isTest(path: string): boolean {
  return /\.(test|fixture)\.ts$/.test(path);
}

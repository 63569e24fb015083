import { Composer, LineCounter, Parser } from 'yaml';
import type { Document } from 'yaml';
import { escapeText } from './decode-fields.ts';

/** One document of a file: `document` and `line` count from 1, `line` is where it (or its fault) begins. */
export type ManifestDocument =
  | { readonly ok: true; readonly document: number; readonly line: number; readonly value: unknown }
  | { readonly ok: false; readonly document: number; readonly line: number; readonly message: string };

/** YAML 1.2 plus merge keys, which kubectl's reader knows as well. */
const yamlOptions = { merge: true, uniqueKeys: true, prettyErrors: false, logLevel: 'silent' } as const;

/** Enough for anchors shared by hand, far too few for a file that unfolds to gigabytes. */
const maxAliasCount = 1000;

/**
 * Reads a manifest document by document, so that the caller can pause between two. Never throws.
 * JSON goes to the fast parser first; text that it refuses is read as YAML, of which JSON is a subset,
 * because only that reader can name the line of the fault.
 */
export function* parseManifest(text: string, format: 'yaml' | 'json'): Generator<ManifestDocument> {
  const plain = text.startsWith('\ufeff') ? text.slice(1) : text;
  const whole = format === 'json' ? parseJson(plain) : undefined;
  if (whole === undefined) yield* parseYaml(plain);
  else yield { ok: true, document: 1, line: 1, value: whole };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function* parseYaml(text: string): Generator<ManifestDocument> {
  const lines = new LineCounter();
  const parsed = new Composer(yamlOptions).compose(new Parser(lines.addNewLine).parse(text), true, text.length);
  for (let document = 1; ; document += 1) {
    const step = takeDocument(parsed);
    if (step === null) return;
    if (typeof step === 'string') {
      yield { ok: false, document, line: lines.lineStarts.length || 1, message: step };
      return;
    }
    yield readDocument(step, document, lines);
  }
}

/** The next document, null at the end, or why the parser gave up. */
function takeDocument(parsed: Generator<Document.Parsed>): Document.Parsed | string | null {
  try {
    const step = parsed.next();
    return step.done === true ? null : step.value;
  } catch (cause) {
    // Nesting deeper than the call stack is the one way to make the parser throw.
    return describeThrown(cause);
  }
}

function readDocument(source: Document.Parsed, document: number, lines: LineCounter): ManifestDocument {
  const fault = source.errors[0] ?? source.warnings[0];
  if (fault !== undefined) {
    return { ok: false, document, line: lines.linePos(fault.pos[0]).line, message: escapeText(fault.message) };
  }
  const line = lines.linePos(source.contents?.range[0] ?? source.range[0]).line;
  try {
    return { ok: true, document, line, value: source.toJS({ maxAliasCount }) as unknown };
  } catch (cause) {
    return { ok: false, document, line, message: describeThrown(cause) };
  }
}

function describeThrown(cause: unknown): string {
  return escapeText(cause instanceof Error ? cause.message : String(cause));
}

import { LineCounter, isAlias, isMap, isScalar, parseAllDocuments } from 'yaml';
import type { Document, Node, YAMLMap } from 'yaml';
import type { Problem } from '../model/mod.ts';
import type { Assignment, Reading } from './assignment.ts';
import type { DocumentName } from './field.ts';
import { ignoredPaths, rows } from './fields.ts';
import { readNode } from './read-value.ts';
import { suggestName } from './suggest-name.ts';

export const proxyApiVersion = 'kubeproxy.config.k8s.io/v1alpha1';
export const proxyKind = 'KubeProxyConfiguration';
export const ownApiVersion = 'waypost.dev/v1alpha1';
export const ownKind = 'WaypostConfiguration';

type Row = (typeof rows)[number];

/** What one kind of document may hold. */
interface Vocabulary {
  readonly rows: ReadonlyMap<string, Row>;
  readonly sections: ReadonlySet<string>;
  readonly ignored: ReadonlySet<string>;
  /** The other document, for fields that stand in the wrong one. */
  readonly otherKind: string;
}

const vocabularies: Readonly<Record<DocumentName, Vocabulary>> = {
  proxy: makeVocabulary('proxy', ignoredPaths, ownKind),
  own: makeVocabulary('own', ['manifests'], proxyKind),
};

/** Where the reader is and what it has found. */
interface Notes {
  readonly file: string;
  readonly lines: LineCounter;
  readonly assignments: Assignment[];
  readonly problems: Problem[];
  readonly warnings: Problem[];
  manifests: string | null;
}

/** A document that is being read. */
interface Part {
  readonly document: Document;
  readonly words: Vocabulary;
}

/**
 * Reads the text of a configuration file: one KubeProxyConfiguration and at most one document of our
 * own, YAML or JSON. Unknown and repeated fields are warnings, as with the reference's lenient decoder; the
 * last of a repeated field counts. `file` is the name that messages begin with.
 */
export function readDocuments(text: string, file: string): Reading {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false });
  const documents: readonly Document[] = 'empty' in parsed ? [] : parsed;
  const notes: Notes = { file, lines, assignments: [], problems: [], warnings: [], manifests: null };
  for (const error of documents.flatMap((document) => document.errors)) {
    const message = error.message.replaceAll(/\s+/g, ' ');
    notes.problems.push({ code: 'WP_CONFIG_SYNTAX', message: `${placeOf(notes, error.pos[0])}: not valid YAML: ${message}` });
  }
  if (notes.problems.length === 0) readKinds(notes, documents);
  return notes;
}

function readKinds(notes: Notes, documents: readonly Document[]): void {
  const seen = new Set<string>();
  for (const document of documents) {
    const root = document.contents as Node | null;
    if (root === null || (isScalar(root) && root.value === null)) continue;
    const kind = isMap(root) ? `${String(root.get('apiVersion'))} ${String(root.get('kind'))}` : 'no object';
    const place = placeOf(notes, root.range?.[0] ?? 0);
    if (seen.has(kind)) report(notes, 'WP_CONFIG_KIND', `${place}: a second ${kind}; there may be one`);
    else if (isMap(root) && kind === `${proxyApiVersion} ${proxyKind}`)
      readMap(notes, { document, words: vocabularies.proxy }, root, '');
    else if (isMap(root) && kind === `${ownApiVersion} ${ownKind}`) readOwnMap(notes, document, root);
    else report(notes, 'WP_CONFIG_KIND', `${place}: found ${kind} where ${proxyApiVersion} ${proxyKind} is needed`);
    seen.add(kind);
  }
  if (seen.size === 0)
    report(notes, 'WP_CONFIG_KIND', `${notes.file}: the file is empty; ${proxyApiVersion} ${proxyKind} is needed`);
}

function makeVocabulary(document: DocumentName, ignored: readonly string[], otherKind: string): Vocabulary {
  const own = rows.filter((row) => row.document === document);
  const sections = own.flatMap(({ path }) => sectionsOf(path));
  return { rows: new Map(own.map((row) => [row.path, row])), sections: new Set(sections), ignored: new Set(ignored), otherKind };
}

/** `a` and `a.b` of `a.b.c`. */
function sectionsOf(path: string): readonly string[] {
  const parts = path.split('.');
  return parts.slice(1).map((_, at) => parts.slice(0, at + 1).join('.'));
}

function readMap(notes: Notes, part: Part, map: YAMLMap, prefix: string): void {
  const { words, document } = part;
  const seen = new Set<string>();
  for (const pair of map.items) {
    const path = prefix + keyText(pair.key);
    if (path === 'apiVersion' || path === 'kind') continue;
    const place = placeOf(notes, rangeStart(pair.key));
    if (seen.has(path))
      warn(notes, 'WP_CONFIG_DUPLICATE_FIELD', `${place}: ${path} stands here a second time; the last one counts`);
    seen.add(path);
    const node = isAlias(pair.value) ? pair.value.resolve(document) : (pair.value as Node | null);
    const row = words.rows.get(path);
    if (words.ignored.has(path)) continue;
    if (row !== undefined) readField(notes, row, node ?? null, place);
    else if (words.sections.has(path)) readSection(notes, part, path, node ?? null, place);
    else warn(notes, 'WP_CONFIG_UNKNOWN_FIELD', `${place}: ${path} is no known field and has no effect${hintFor(path, words)}`);
  }
}

function readSection(notes: Notes, part: Part, path: string, node: Node | null, place: string): void {
  if (isMap(node)) readMap(notes, part, node, `${path}.`);
  else if (!isNull(node)) report(notes, 'WP_CONFIG_TYPE', `${place}: ${path} must be a map of fields`);
}

function readField(notes: Notes, row: Row, node: Node | null, place: string): void {
  const { path } = row;
  if (node === null || isNull(node)) {
    dropEarlier(notes, path);
    return;
  }
  const read = readNode(row.kind, node);
  if ('needs' in read) {
    report(notes, 'WP_CONFIG_TYPE', `${place}: ${path} must be ${read.needs}, not ${describe(node)}`);
    return;
  }
  dropEarlier(notes, path);
  const unset = row.zeroIsUnset && (read.value === 0 || read.value === '');
  if (!unset) notes.assignments.push({ path, value: read.value, origin: place });
}

function dropEarlier(notes: Notes, path: string): void {
  const earlier = notes.assignments.findIndex((assignment) => assignment.path === path);
  if (earlier >= 0) notes.assignments.splice(earlier, 1);
}

function readOwnMap(notes: Notes, document: Document, map: YAMLMap): void {
  readMap(notes, { document, words: vocabularies.own }, map, '');
  for (const pair of map.items) {
    const value = isScalar(pair.value) ? pair.value.value : pair.value;
    if (keyText(pair.key) !== 'manifests' || value === null) continue;
    if (typeof value === 'string') notes.manifests = value;
    else report(notes, 'WP_CONFIG_TYPE', `${placeOf(notes, rangeStart(pair.key))}: manifests must be the path of a folder`);
  }
}

function isNull(node: Node | null): boolean {
  return node === null || (isScalar(node) && node.value === null);
}

function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function rangeStart(node: unknown): number {
  return (node as Node | null)?.range?.[0] ?? 0;
}

function placeOf(notes: Notes, offset: number): string {
  return `${notes.file}:${notes.lines.linePos(offset).line}`;
}

function hintFor(path: string, { rows: known, sections, ignored, otherKind }: Vocabulary): string {
  const elsewhere = rows.some((row) => row.path === path) || (otherKind === ownKind && path === 'manifests');
  if (elsewhere) return ` (it belongs into a document of kind ${otherKind})`;
  const near = suggestName(path, [...known.keys(), ...sections, ...ignored]);
  return near === null ? '' : ` (did you mean ${near}?)`;
}

function describe(node: Node): string {
  return isScalar(node) ? JSON.stringify(node.value) : isMap(node) ? 'a map' : 'a list';
}

function report(notes: Notes, code: Problem['code'], message: string): void {
  notes.problems.push({ code, message });
}

function warn(notes: Notes, code: Problem['code'], message: string): void {
  notes.warnings.push({ code, message });
}

import type { Problem } from '../model/mod.ts';
import { objectId, readManifestObject, unfoldList } from './manifest-object.ts';
import type { ManifestObject, ManifestReader } from './manifest-object.ts';
import { parseManifest } from './manifest-parse.ts';

/** The objects of one file by {@link objectId}. */
export type ManifestObjects = ReadonlyMap<string, ManifestObject>;

export interface ManifestReading {
  /** Null where the file as a whole cannot be trusted: one document of it does not parse. */
  readonly objects: ManifestObjects | null;
  /** Each names the file, the document and the line. */
  readonly problems: readonly Problem[];
}

/** Objects between two pauses: about four milliseconds of YAML. */
const pauseEvery = 50;

/** A file with a thousand mistakes must not become a thousand log lines. */
const maxProblems = 50;

export function isManifestName(name: string): boolean {
  return !name.startsWith('.') && /\.(?:ya?ml|json)$/.test(name);
}

/**
 * Reads a whole file; yields now and then so that the caller can let others run. An object that has become
 * unusable keeps the state it has in `last`: one bad edit must not take a Service away.
 */
export function* readManifest(
  file: string,
  text: string,
  reader: ManifestReader,
  last: ManifestObjects | undefined,
): Generator<undefined, ManifestReading> {
  const report = new FileReport(file);
  const objects = new Map<string, ManifestObject>();
  let broken = false;
  let count = 0;
  for (const parsed of parseManifest(text, file.endsWith('.json') ? 'json' : 'yaml')) {
    const place = `document ${parsed.document}, line ${parsed.line}`;
    if (!parsed.ok) {
      broken = true;
      report.add(place, { code: 'WP_KUBE_MANIFEST_SYNTAX', message: parsed.message });
      continue;
    }
    const items = unfoldList(parsed.value);
    for (const [index, raw] of items.entries()) {
      count += 1;
      if (count % pauseEvery === 0) yield;
      takeObject(objects, report, items.length > 1 ? `${place}, item ${index + 1}` : place, raw, reader, last);
    }
  }
  return { objects: broken ? null : objects, problems: report.finish() };
}

function takeObject(
  objects: Map<string, ManifestObject>,
  report: FileReport,
  place: string,
  raw: unknown,
  reader: ManifestReader,
  last: ManifestObjects | undefined,
): void {
  const result = readManifestObject(raw, reader);
  if (result.verdict === 'foreign') return report.addOnce(place, result.problem);
  if (result.verdict === 'unusable') {
    report.add(place, result.problem);
    const kept = result.id === null ? undefined : last?.get(result.id);
    if (kept !== undefined && !objects.has(objectId(kept))) objects.set(objectId(kept), kept);
    return undefined;
  }
  for (const warning of result.warnings) report.add(place, warning);
  const id = objectId(result.object);
  if (!objects.has(id)) objects.set(id, result.object);
  else report.add(place, { code: 'WP_KUBE_MANIFEST_DUPLICATE', message: `${id} is in this file already, this one is ignored` });
  return undefined;
}

/** Collects the problems of one file, each with its place. */
class FileReport {
  readonly #file: string;
  readonly #problems: Problem[] = [];
  readonly #once = new Set<string>();
  #omitted = 0;

  constructor(file: string) {
    this.#file = file;
  }

  add(place: string, problem: Problem): void {
    if (this.#problems.length >= maxProblems) this.#omitted += 1;
    else this.#problems.push({ ...problem, message: `${this.#file}: ${place}: ${problem.message}` });
  }

  addOnce(place: string, problem: Problem): void {
    if (this.#once.has(problem.message)) return;
    this.#once.add(problem.message);
    this.add(place, problem);
  }

  finish(): readonly Problem[] {
    if (this.#omitted === 0) return this.#problems;
    const more: Problem = { code: 'WP_KUBE_MANIFEST', message: `${this.#file}: ${this.#omitted} more problems` };
    return [...this.#problems, more];
  }
}

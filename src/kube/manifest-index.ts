import { compareText } from '../model/mod.ts';
import type { DnsData, Problem } from '../model/mod.ts';
import type { ManifestObjects } from './manifest-file.ts';
import { ManifestNamespaces } from './manifest-namespaces.ts';
import type { ManifestObject } from './manifest-object.ts';
import type { Store } from './store.ts';

const noObjects: ManifestObjects = new Map();

/** Copying a big file must not become a log line for each of its objects. */
const maxConflicts = 20;

/** Which file holds which object; of several the first by name order decides. Writes to the store, commits nothing. */
export class ManifestIndex {
  readonly #store: Store;
  readonly #namespaces: ManifestNamespaces | null;
  readonly #files = new Map<string, ManifestObjects>();
  /** The files that hold an object, in name order. */
  readonly #claims = new Map<string, readonly string[]>();

  constructor(store: Store, dns: DnsData | null = null) {
    this.#store = store;
    this.#namespaces = dns === null ? null : new ManifestNamespaces(store.namespaces);
  }

  /** The objects of the last good version of a file; undefined for a file that never had one. */
  objectsOf(file: string): ManifestObjects | undefined {
    return this.#files.get(file);
  }

  /** Makes these the objects of the file. The problems name objects that other files hold as well. */
  put(file: string, objects: ManifestObjects): readonly Problem[] {
    const old = this.#files.get(file) ?? noObjects;
    this.#files.set(file, objects);
    for (const [id, object] of old) if (!objects.has(id)) this.#release(id, file, object);
    const conflicts: string[] = [];
    for (const [id, object] of objects) {
      const files = this.#claim(id, file);
      this.#settle(files, id, object);
      if (files.length > 1) conflicts.push(`${id} is in ${files.join(' and in ')}: ${files[0]} counts`);
    }
    return summarize(conflicts, file);
  }

  /** Forgets a file and its objects. */
  drop(file: string): void {
    const old = this.#files.get(file) ?? noObjects;
    this.#files.delete(file);
    for (const [id, object] of old) this.#release(id, file, object);
  }

  #claim(id: string, file: string): readonly string[] {
    const files = this.#claims.get(id) ?? [];
    if (files.includes(file)) return files;
    const more = [...files, file].toSorted(compareText);
    this.#claims.set(id, more);
    return more;
  }

  #release(id: string, file: string, object: ManifestObject): void {
    const files = (this.#claims.get(id) ?? []).filter((other) => other !== file);
    if (files.length === 0) this.#claims.delete(id);
    else this.#claims.set(id, files);
    this.#settle(files, id, object);
  }

  /** Brings the store in line with the file that counts now; `object` is any version of the object. */
  #settle(files: readonly string[], id: string, object: ManifestObject): void {
    const [winner] = files;
    const valid = winner === undefined ? undefined : this.#files.get(winner)?.get(id);
    this.#namespaces?.note(id, valid ?? object, valid !== undefined);
    if (valid === undefined || valid.record === null) this.#collectionOf(object)?.remove(object.key);
    else if (valid.kind === 'Service') this.#store.services.upsert(valid.record);
    else if (valid.kind === 'EndpointSlice') this.#store.slices.upsert(valid.record);
    else if (valid.kind === 'Node') this.#store.nodes.upsert(valid.record);
    else if (valid.kind === 'Pod') this.#store.pods.upsert(valid.record);
  }

  /** Null where {@link ManifestNamespaces} writes. */
  #collectionOf({ kind }: ManifestObject): { remove(key: string): void } | null {
    switch (kind) {
      case 'Service':
        return this.#store.services;
      case 'EndpointSlice':
        return this.#store.slices;
      case 'Node':
        return this.#store.nodes;
      case 'Pod':
        return this.#store.pods;
      case 'Namespace':
        return null;
    }
  }
}

function summarize(conflicts: readonly string[], file: string): readonly Problem[] {
  const problems = conflicts.slice(0, maxConflicts).map(duplicate);
  const omitted = conflicts.length - problems.length;
  return omitted === 0 ? problems : [...problems, duplicate(`${file}: ${omitted} more objects are in other files as well`)];
}

function duplicate(message: string): Problem {
  return { code: 'WP_KUBE_MANIFEST_DUPLICATE', message };
}

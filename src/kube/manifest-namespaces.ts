import { noLabels } from '../model/mod.ts';
import type { NamespaceRecord } from '../model/mod.ts';
import type { ManifestObject } from './manifest-object.ts';
import type { Collection } from './store.ts';

/**
 * The Namespaces of a folder. A folder has no admission that refuses an object in a namespace which is not there, and few who
 * write a Service down write its Namespace down too: so whatever is in a namespace implies it, without labels.
 */
export class ManifestNamespaces {
  readonly #records: Collection<NamespaceRecord>;
  readonly #named = new Map<string, NamespaceRecord>();
  /** By name, the ids of objects that are there. */
  readonly #implied = new Map<string, Set<string>>();

  constructor(records: Collection<NamespaceRecord>) {
    this.#records = records;
  }

  /** Takes note that an object is there, or is not. */
  note(id: string, object: ManifestObject, present: boolean): void {
    if (object.kind === 'Node') return;
    if (object.kind === 'Namespace') {
      if (present && object.record !== null) this.#named.set(object.key, object.record);
      else this.#named.delete(object.key);
      this.#settle(object.key);
      return;
    }
    const namespace = object.key.slice(0, object.key.indexOf('/'));
    const objects = this.#implied.get(namespace) ?? new Set();
    const before = objects.size;
    if (present) objects.add(id);
    else objects.delete(id);
    if (objects.size === 0) this.#implied.delete(namespace);
    else this.#implied.set(namespace, objects);
    if ((before === 0) !== (objects.size === 0)) this.#settle(namespace);
  }

  #settle(name: string): void {
    const record = this.#named.get(name) ?? (this.#implied.has(name) ? { name, labels: noLabels } : undefined);
    if (record === undefined) this.#records.remove(name);
    else this.#records.upsert(record);
  }
}

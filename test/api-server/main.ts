/**
 * The test API server as a process of its own: serves the Services, EndpointSlices, Nodes, Namespaces and
 * Pods of a folder of manifests and follows changes of its files.
 *
 *     node test/api-server/main.ts --manifests DIR [--port N]
 */
import { readFileSync, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { ApiServer } from './api-server.ts';
import { collections } from './collections.ts';
import type { CollectionName } from './collections.ts';
import type { ApiObject } from './history.ts';

const { values } = parseArgs({ options: { manifests: { type: 'string' }, port: { type: 'string', default: '0' } } });
if (values.manifests === undefined) throw new Error('--manifests DIR is needed');
const folder = values.manifests;

/** What a file may change, by collection and key, to tell what is gone. */
const served = new Map<string, { readonly collection: CollectionName; readonly object: ApiObject; readonly text: string }>();
const server = new ApiServer({ port: Number(values.port) });

load();
watch(folder, load);
process.stdout.write(`${await server.start()}\n`);

function load(): void {
  const found = new Set<string>();
  for (const { collection, object } of readManifests()) {
    const key = `${collection}/${object.metadata.namespace ?? ''}/${object.metadata.name}`;
    const text = JSON.stringify(object);
    found.add(key);
    if (served.get(key)?.text === text) continue;
    served.set(key, { collection, object, text });
    server.put(collection, object);
  }
  for (const [key, { collection, object }] of served) {
    if (found.has(key)) continue;
    served.delete(key);
    server.remove(collection, object.metadata.namespace, object.metadata.name);
  }
}

function readManifests(): { collection: CollectionName; object: ApiObject }[] {
  const files = readdirSync(folder).filter((name) => /^[^.].*\.(ya?ml|json)$/.test(name));
  const documents = files.flatMap((name) => parseAllDocuments(readFileSync(join(folder, name), 'utf8')));
  return documents.flatMap((document) => {
    const value: unknown = document.toJS();
    return listItems(value).flatMap((item) => placeObject(item));
  });
}

function listItems(value: unknown): readonly unknown[] {
  const items = typeof value === 'object' && value !== null && 'items' in value ? value.items : null;
  return Array.isArray(items) ? items : [value];
}

function placeObject(value: unknown): { collection: CollectionName; object: ApiObject }[] {
  const object = value as Partial<ApiObject> | null;
  const info = Object.values(collections).find((collection) => collection.kind === object?.['kind']);
  const metadata = object?.metadata;
  if (info === undefined || metadata === undefined) return [];
  const namespace = info.namespaced ? { namespace: metadata.namespace ?? 'default' } : {};
  return [{ collection: info.name, object: { ...object, metadata: { ...metadata, ...namespace } } }];
}

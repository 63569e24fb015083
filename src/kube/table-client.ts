import type { StoredTable, TableStore } from '../model/mod.ts';
import { mapStored, requestObject } from './object-request.ts';
import type { ObjectAccess } from './object-request.ts';
import { fieldOf, readMeta } from './reflector-object.ts';

/** The data of one ConfigMap as a table. */
export function createTableClient(access: ObjectAccess, namespace: string, name: string): TableStore {
  const collection = `/api/v1/namespaces/${namespace}/configmaps`;
  const path = `${collection}/${name}`;
  return {
    read: async (signal) => mapStored(await requestObject(access, { method: 'GET', path, body: {} }, signal), readRows),
    create: async (signal) => {
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name } };
      return mapStored(await requestObject(access, { method: 'POST', path: collection, body }, signal), readRows);
    },
    update: async (changes, resourceVersion, signal) => {
      // In a merge patch null removes a field (RFC 7386).
      const body = { metadata: { resourceVersion }, data: Object.fromEntries(changes) };
      const answer = await requestObject(access, { method: 'PATCH', path, body }, signal);
      return mapStored(answer, (raw) => readMeta(raw).resourceVersion);
    },
  };
}

function readRows(raw: unknown): StoredTable {
  const rows = new Map<string, string>();
  const data = fieldOf(raw, 'data');
  for (const [name, value] of Object.entries(data ?? {})) if (typeof value === 'string') rows.set(name, value);
  return { rows, version: readMeta(raw).resourceVersion };
}

import type { ServerResponse } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { collections } from './collections.ts';
import type { CollectionInfo, CollectionName } from './collections.ts';
import type { ApiObject } from './history.ts';
import { answerStatus } from './status.ts';

/** What a request wants of one object; `name` is empty for a new one. */
export interface ObjectTarget {
  readonly verb: 'get' | 'create' | 'patch';
  readonly collection: CollectionInfo;
  readonly namespace: string;
  readonly name: string;
  readonly isStatus: boolean;
}

const verbs: Readonly<Record<string, ObjectTarget['verb']>> = { GET: 'get', POST: 'create', PATCH: 'patch' };

/** Collections whose objects can be read and written one by one, and what of them the status subresource has. */
const offered: Readonly<Partial<Record<CollectionName, { readonly status: boolean; readonly write: boolean }>>> = {
  leases: { status: false, write: true },
  configmaps: { status: false, write: true },
  services: { status: true, write: false },
};

/** Null where the path or the method is for somebody else. */
export function findObjectTarget(path: string, method: string): ObjectTarget | null {
  const [, prefix, namespace = '', last = '', name = '', sub] =
    /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)\/namespaces\/([^/]+)\/([^/]+)(?:\/([^/]+)(\/status)?)?$/.exec(path) ?? [];
  const collection = Object.values(collections).find((info) => info.namespaced && info.path === `${prefix}/${last}`);
  const verb = verbs[method];
  const how = collection === undefined ? undefined : offered[collection.name];
  if (collection === undefined || how === undefined || verb === undefined) return null;
  if ((verb === 'create') !== (name === '') || (sub !== undefined && !how.status)) return null;
  if (verb !== 'get' && sub === undefined && !how.write) return null;
  return { verb, collection, namespace, name, isStatus: sub !== undefined };
}

/** What is to be stored, as the API server's registry decides it. */
export type ObjectAnswer =
  | { readonly kind: 'stored'; readonly object: ApiObject }
  | { readonly kind: 'same'; readonly object: ApiObject }
  | { readonly kind: 'refused'; readonly status: number; readonly message: string };

/**
 * Decides a request. A patch that names a version is a conflict where the object has another, one that changes nothing leaves the
 * version as it is, and one of the status leaves the rest.
 */
export function decideObject(
  target: ObjectTarget,
  body: string,
  find: (name: string) => ApiObject | undefined,
  now: Date,
): ObjectAnswer {
  const { verb, collection, namespace, name } = target;
  const given = verb === 'get' ? null : (JSON.parse(body) as ApiObject);
  const wanted = verb === 'create' ? String(given?.metadata.name) : name;
  const existing = find(wanted);
  const about = `${collection.name} "${wanted}"`;
  if (verb === 'create') {
    if (existing !== undefined) return { kind: 'refused', status: 409, message: `${about} already exists` };
    const metadata = { ...given?.metadata, name: wanted, namespace, uid: `uid-${wanted}-${now.getTime()}` };
    return { kind: 'stored', object: { ...given, metadata } };
  }
  if (existing === undefined) return { kind: 'refused', status: 404, message: `${about} not found` };
  if (given === null) return { kind: 'same', object: existing };
  const version = (given as Partial<ApiObject>).metadata?.resourceVersion;
  if (version !== undefined && version !== existing.metadata.resourceVersion) {
    return { kind: 'refused', status: 409, message: `Operation cannot be fulfilled on ${about}: the object has been modified` };
  }
  const patched = mergePatch(existing, target.isStatus ? { status: given['status'] } : given) as ApiObject;
  const wrong = target.isStatus ? findStatusMistake(patched) : null;
  if (wrong !== null) return { kind: 'refused', status: 422, message: `${about}: ${wrong}` };
  return isDeepStrictEqual(patched, existing) ? { kind: 'same', object: existing } : { kind: 'stored', object: patched };
}

export function sendObject(response: ServerResponse, { collection, verb }: ObjectTarget, object: ApiObject): void {
  const { apiVersion, kind } = collection;
  response.writeHead(verb === 'create' ? 201 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ kind, apiVersion, ...object }));
}

export function refuseObject(response: ServerResponse, answer: Extract<ObjectAnswer, { kind: 'refused' }>): void {
  answerStatus(response, answer.status, answer.message, undefined, answer.status === 409 ? 'Conflict' : undefined);
}

/** RFC 7386. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const base = typeof target === 'object' && target !== null && !Array.isArray(target) ? target : {};
  const result: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else if (value !== undefined) result[name] = mergePatch(result[name], value);
  }
  return result;
}

/** core/v1 validation of LoadBalancerStatus, as far as an allocator can get it wrong. */
function findStatusMistake(service: ApiObject): string | null {
  const { ingress = [] } =
    (service['status'] as { loadBalancer?: { ingress?: readonly { ip?: string }[] } } | undefined)?.loadBalancer ?? {};
  const { type } = service['spec'] as { readonly type?: string };
  if (ingress.length > 0 && type !== 'LoadBalancer') {
    return 'status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is "LoadBalancer"';
  }
  return null;
}

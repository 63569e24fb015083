import type {
  DnsData,
  IngressData,
  NamespaceRecord,
  NodeRecord,
  PodRecord,
  Problem,
  ServiceRecord,
  SliceRecord,
} from '../model/mod.ts';
import {
  decodeNamespace,
  decodeNode,
  decodePod,
  decodeService,
  decodeSlice,
  isPodGone,
  isProxiedService,
  isProxiedSlice,
  readObjectName,
} from './decode.ts';
import type { Decoded } from './decode.ts';
import { describeValue, fieldOf, isObject } from './decode-fields.ts';

/** An object of a manifest. The record is null where the API server would not have selected the object. */
export type ManifestObject =
  | { readonly kind: 'Service'; readonly key: string; readonly record: ServiceRecord | null }
  | { readonly kind: 'EndpointSlice'; readonly key: string; readonly record: SliceRecord | null }
  | { readonly kind: 'Node'; readonly key: string; readonly record: NodeRecord | null }
  | { readonly kind: 'Namespace'; readonly key: string; readonly record: NamespaceRecord | null }
  | { readonly kind: 'Pod'; readonly key: string; readonly record: PodRecord | null };

/** From where a folder is looked at, and for whom. */
export interface ManifestReader {
  /** Only the Node of this name is read, unless ingress asks for all. */
  readonly nodeName: string;
  /** Null: only what a proxy needs is read. */
  readonly dns: DnsData | null;
  /** Null: nothing is read for ingress. */
  readonly ingress: IngressData | null;
}

type ManifestVerdict =
  | { readonly verdict: 'object'; readonly object: ManifestObject; readonly warnings: readonly Problem[] }
  /** Of a kind that is read, but makes no sense. `id` as {@link objectId} gives it, where it has a name. */
  | { readonly verdict: 'unusable'; readonly id: string | null; readonly problem: Problem }
  /** Of a kind that is not read; one message for each kind is enough. */
  | { readonly verdict: 'foreign'; readonly problem: Problem };

type Kind = ManifestObject['kind'];

const apiVersions: Readonly<Record<Kind, string>> = {
  Service: 'v1',
  EndpointSlice: 'discovery.k8s.io/v1',
  Node: 'v1',
  Namespace: 'v1',
  Pod: 'v1',
};

const noWarnings: readonly Problem[] = [];

/** `kind key`: what makes two objects the same. */
export function objectId(object: { readonly kind: Kind; readonly key: string }): string {
  return `${object.kind} ${object.key}`;
}

const listKinds = new Set<unknown>(['List', ...Object.keys(apiVersions).map((kind) => `${kind}List`)]);

/** The objects of a document: those of a `List` (or `ServiceList` and the like) one by one, none if it is empty. */
export function unfoldList(value: unknown): readonly unknown[] {
  if (value === null || value === undefined) return [];
  const kind = fieldOf(value, 'kind');
  if (typeof kind !== 'string' || !listKinds.has(kind)) return [value];
  const items = fieldOf(value, 'items') ?? [];
  if (!Array.isArray(items)) return [value];
  // Items of a typed list carry no kind of their own when they come straight from the API.
  const typed = kind === 'List' ? {} : { kind: kind.slice(0, -'List'.length), apiVersion: fieldOf(value, 'apiVersion') };
  return items.map((item: unknown) => (isObject(item) ? { ...typed, ...item } : item));
}

/** Reads one object as the API server would hand it out: namespace `default`, selectors applied. */
export function readManifestObject(raw: unknown, reader: ManifestReader): ManifestVerdict {
  const kind = fieldOf(raw, 'kind');
  const apiVersion = fieldOf(raw, 'apiVersion');
  if (!isWanted(kind, reader)) {
    if (kind === undefined) return foreign('what has no kind is not read');
    return foreign(`kind ${describeValue(kind)} is not read, such objects are ignored`);
  }
  if (apiVersion !== apiVersions[kind]) {
    const wanted = `only ${apiVersions[kind]} is read, such objects are ignored`;
    return foreign(`kind ${kind} has apiVersion ${describeValue(apiVersion)}, ${wanted}`);
  }
  if (kind === 'Node') return readNode(raw, reader);
  if (kind === 'Namespace') return readNamespace(raw, reader);
  const placed = placeInNamespace(raw);
  const named = readObjectName(kind, placed);
  if (!named.ok) return { verdict: 'unusable', id: null, problem: named.problem };
  return readNamespaced(kind, named.value.key, placed, reader);
}

function isWanted(kind: unknown, { dns }: ManifestReader): kind is Kind {
  if (kind === 'Service' || kind === 'EndpointSlice' || kind === 'Node') return true;
  return dns !== null && (kind === 'Namespace' || (kind === 'Pod' && dns.pods !== 'none'));
}

function readNamespaced(
  kind: Exclude<Kind, 'Node' | 'Namespace'>,
  key: string,
  raw: unknown,
  { nodeName, dns }: ManifestReader,
): ManifestVerdict {
  switch (kind) {
    case 'Service':
      if (dns === null && !isProxiedService(raw)) return excluded({ kind, key, record: null });
      return judge(objectId({ kind, key }), decodeService(raw, dns), (record) => ({ kind, key, record }));
    case 'EndpointSlice':
      if (dns === null && !isProxiedSlice(raw)) return excluded({ kind, key, record: null });
      return judge(objectId({ kind, key }), decodeSlice(raw, dns), (record) => ({ kind, key, record }));
    case 'Pod':
      if (isPodGone(raw) || (dns?.pods === 'node' && fieldOf(fieldOf(raw, 'spec'), 'nodeName') !== nodeName)) {
        return excluded({ kind, key, record: null });
      }
      return judge(objectId({ kind, key }), decodePod(raw, dns), (record) => ({ kind, key, record }));
  }
}

function readNode(raw: unknown, { nodeName, ingress }: ManifestReader): ManifestVerdict {
  const key = nameOf(raw);
  if (key !== '' && key !== nodeName && ingress?.nodes !== true) return excluded({ kind: 'Node', key, record: null });
  return judge(objectId({ kind: 'Node', key }), decodeNode(raw, ingress), (record) => ({ kind: 'Node', key, record }));
}

function readNamespace(raw: unknown, { dns }: ManifestReader): ManifestVerdict {
  const key = nameOf(raw);
  const id = objectId({ kind: 'Namespace', key });
  return judge(id, decodeNamespace(raw, dns), (record) => ({ kind: 'Namespace', key, record }));
}

function nameOf(raw: unknown): string {
  const name = fieldOf(fieldOf(raw, 'metadata'), 'name');
  return typeof name === 'string' ? name : '';
}

function judge<T>(id: string, decoded: Decoded<T>, wrap: (record: T) => ManifestObject): ManifestVerdict {
  if (!decoded.ok) return { verdict: 'unusable', id, problem: decoded.problem };
  return { verdict: 'object', object: wrap(decoded.value), warnings: decoded.warnings };
}

function excluded(object: ManifestObject): ManifestVerdict {
  return { verdict: 'object', object, warnings: noWarnings };
}

function foreign(message: string): ManifestVerdict {
  return { verdict: 'foreign', problem: { code: 'WP_KUBE_MANIFEST_KIND', message } };
}

function placeInNamespace(raw: unknown): unknown {
  const metadata = fieldOf(raw, 'metadata');
  const namespace = fieldOf(metadata, 'namespace') ?? '';
  if (!isObject(raw) || !isObject(metadata) || namespace !== '') return raw;
  return { ...raw, metadata: { ...metadata, namespace: 'default' } };
}

import type { DnsData, IngressData, NamespaceRecord, NodeRecord, PodRecord, ServiceRecord, SliceRecord } from '../model/mod.ts';
import { decodeNamespace, decodeNode, decodePod, decodeService, decodeSlice, isPodGone, readObjectName } from './decode.ts';
import { fieldOf } from './reflector-object.ts';
import type { Resource } from './reflector-types.ts';

/** Services of all namespaces: those that are ours to proxy (specification 1.1), or for DNS all of them. */
export function services(dns: DnsData | null): Resource<ServiceRecord> {
  const ours = { labelSelector: '!service.kubernetes.io/service-proxy-name', fieldSelector: 'spec.clusterIP!=None' };
  return {
    name: 'services',
    path: '/api/v1/services',
    selectors: dns === null ? ours : {},
    keyOf: (raw) => namespacedKey('Service', raw),
    decode: (raw) => decodeService(raw, dns),
  };
}

/** EndpointSlices of all namespaces; those of headless Services for DNS alone (specification 1.1). */
export function slices(dns: DnsData | null): Resource<SliceRecord> {
  return {
    name: 'endpointslices',
    path: '/apis/discovery.k8s.io/v1/endpointslices',
    selectors: dns === null ? { labelSelector: '!service.kubernetes.io/headless' } : {},
    keyOf: (raw) => namespacedKey('EndpointSlice', raw),
    decode: (raw) => decodeSlice(raw, dns),
  };
}

/** The one Node of this name, where the collection may well be empty, or for ingress all of them. */
export function nodes(ingress: IngressData | null, nodeName: string): Resource<NodeRecord> {
  return {
    name: 'nodes',
    path: '/api/v1/nodes',
    selectors: ingress?.nodes === true ? {} : { fieldSelector: `metadata.name=${nodeName}` },
    keyOf: nameOf,
    decode: (raw) => decodeNode(raw, ingress),
  };
}

/** All Namespaces. */
export function namespaces(dns: DnsData): Resource<NamespaceRecord> {
  return {
    name: 'namespaces',
    path: '/api/v1/namespaces',
    selectors: {},
    keyOf: nameOf,
    decode: (raw) => decodeNamespace(raw, dns),
  };
}

/** Pods that have not ended, of one node or of all. */
export function pods(dns: DnsData, nodeName: string): Resource<PodRecord> {
  const running = 'status.phase!=Succeeded,status.phase!=Failed';
  return {
    name: 'pods',
    path: '/api/v1/pods',
    selectors: { fieldSelector: dns.pods === 'node' ? `spec.nodeName=${nodeName},${running}` : running },
    keyOf: (raw) => namespacedKey('Pod', raw),
    decode: (raw) => decodePod(raw, dns),
    isGone: isPodGone,
  };
}

function nameOf(raw: unknown): string | null {
  const name = fieldOf(fieldOf(raw, 'metadata'), 'name');
  return typeof name === 'string' && name !== '' ? name : null;
}

function namespacedKey(kind: string, raw: unknown): string | null {
  const name = readObjectName(kind, raw);
  return name.ok ? name.value.key : null;
}

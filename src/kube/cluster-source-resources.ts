import type { NodeRecord, ServiceRecord, SliceRecord } from '../model/mod.ts';
import { decodeNode, decodeService, decodeSlice, readObjectName } from './decode.ts';
import { fieldOf } from './reflector-object.ts';
import type { Resource } from './reflector-types.ts';

/** Services of all namespaces that are ours to proxy (specification 1.1). */
export const services: Resource<ServiceRecord> = {
  name: 'services',
  path: '/api/v1/services',
  selectors: { labelSelector: '!service.kubernetes.io/service-proxy-name', fieldSelector: 'spec.clusterIP!=None' },
  keyOf: (raw) => namespacedKey('Service', raw),
  decode: decodeService,
};

/** EndpointSlices of all namespaces except those of headless Services (specification 1.1). */
export const slices: Resource<SliceRecord> = {
  name: 'endpointslices',
  path: '/apis/discovery.k8s.io/v1/endpointslices',
  selectors: { labelSelector: '!service.kubernetes.io/headless' },
  keyOf: (raw) => namespacedKey('EndpointSlice', raw),
  decode: decodeSlice,
};

/** The one Node of this name; the collection may well be empty. */
export function ownNode(nodeName: string): Resource<NodeRecord> {
  return {
    name: 'nodes',
    path: '/api/v1/nodes',
    selectors: { fieldSelector: `metadata.name=${nodeName}` },
    keyOf(raw) {
      const name = fieldOf(fieldOf(raw, 'metadata'), 'name');
      return typeof name === 'string' && name !== '' ? name : null;
    },
    decode: decodeNode,
  };
}

function namespacedKey(kind: string, raw: unknown): string | null {
  const name = readObjectName(kind, raw);
  return name.ok ? name.value.key : null;
}

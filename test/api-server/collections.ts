/** The collections that this server offers, by the last word of their path. */
export type CollectionName = 'services' | 'endpointslices' | 'nodes' | 'namespaces' | 'pods' | 'events' | 'leases' | 'configmaps';

export interface CollectionInfo {
  readonly name: CollectionName;
  readonly path: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

export const collections: Readonly<Record<CollectionName, CollectionInfo>> = {
  services: { name: 'services', path: '/api/v1/services', apiVersion: 'v1', kind: 'Service', namespaced: true },
  endpointslices: {
    name: 'endpointslices',
    path: '/apis/discovery.k8s.io/v1/endpointslices',
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    namespaced: true,
  },
  nodes: { name: 'nodes', path: '/api/v1/nodes', apiVersion: 'v1', kind: 'Node', namespaced: false },
  namespaces: { name: 'namespaces', path: '/api/v1/namespaces', apiVersion: 'v1', kind: 'Namespace', namespaced: false },
  pods: { name: 'pods', path: '/api/v1/pods', apiVersion: 'v1', kind: 'Pod', namespaced: true },
  events: {
    name: 'events',
    path: '/apis/events.k8s.io/v1/events',
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    namespaced: true,
  },
  leases: {
    name: 'leases',
    path: '/apis/coordination.k8s.io/v1/leases',
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    namespaced: true,
  },
  configmaps: { name: 'configmaps', path: '/api/v1/configmaps', apiVersion: 'v1', kind: 'ConfigMap', namespaced: true },
};

/** The collection at this path, or undefined. */
export function findCollection(path: string): CollectionInfo | undefined {
  const whole = path.replace(/\/namespaces\/[^/]+(?=\/[^/]+$)/, '');
  return Object.values(collections).find((collection) => collection.path === whole && (collection.namespaced || whole === path));
}

/** The namespace that a path to a collection is limited to, or null. */
export function findNamespace(path: string): string | null {
  return /\/namespaces\/([^/]+)\/[^/]+$/.exec(path)?.[1] ?? null;
}

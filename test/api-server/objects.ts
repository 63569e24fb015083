import type { ApiObject } from './history.ts';

/** A ClusterIP Service with one TCP port 80. */
export function service(
  namespace: string,
  name: string,
  clusterIP: string,
  more: { labels?: Record<string, string> } = {},
): ApiObject {
  return {
    metadata: { namespace, name, ...more },
    spec: {
      type: 'ClusterIP',
      clusterIP,
      clusterIPs: [clusterIP],
      ipFamilies: ['IPv4'],
      ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
    },
  };
}

/** An IPv4 EndpointSlice of that Service with these addresses, all ready, on port 8080. */
export function slice(
  namespace: string,
  name: string,
  ofService: string,
  addresses: readonly string[],
  labels: Record<string, string> = {},
): ApiObject {
  return {
    metadata: { namespace, name, labels: { 'kubernetes.io/service-name': ofService, ...labels } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true }, nodeName: 'node-1' })),
  };
}

/** A Node with one InternalIP. */
export function node(name: string, address: string): ApiObject {
  return { metadata: { name }, spec: {}, status: { addresses: [{ type: 'InternalIP', address }] } };
}

/** A headless Service with one TCP port 80. */
export function headlessService(namespace: string, name: string): ApiObject {
  return service(namespace, name, 'None');
}

/** A Service that stands for a name elsewhere. */
export function externalService(namespace: string, name: string, externalName: string): ApiObject {
  return { metadata: { namespace, name }, spec: { type: 'ExternalName', externalName, sessionAffinity: 'None' } };
}

export function namespaceObject(name: string, labels: Record<string, string> = {}): ApiObject {
  return { metadata: { name, labels }, spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } };
}

/** A running Pod with these addresses. */
export function pod(
  ofNamespace: string,
  name: string,
  addresses: readonly string[],
  more: { readonly nodeName?: string; readonly phase?: string; readonly deletionTimestamp?: string } = {},
): ApiObject {
  const { nodeName = 'node-1', phase = 'Running', deletionTimestamp } = more;
  return {
    metadata: { namespace: ofNamespace, name, ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
    spec: { nodeName },
    status: { phase, podIP: addresses[0], podIPs: addresses.map((ip) => ({ ip })) },
  };
}

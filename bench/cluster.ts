/** API objects of a cluster of any size, as an API server would send them; made one by one. */

/** What a Service has where nothing else is said. */
export const endpointsEach = 10;

/** Service `index` of a cluster: one TCP port and a ClusterIP; every tenth has a node port, as far as they reach. */
export function makeService(index: number): unknown {
  const nodePort = index % 10 === 0 && index / 10 < 2768 ? { nodePort: 30_000 + index / 10 } : {};
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      namespace: `team-${index % 50}`,
      name: `service-${index}`,
      labels: { app: `app-${index}` },
      resourceVersion: '1',
    },
    spec: {
      type: index % 10 === 0 ? 'NodePort' : 'ClusterIP',
      clusterIP: serviceAddress(index),
      clusterIPs: [serviceAddress(index)],
      ipFamilies: ['IPv4'],
      ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080, ...nodePort }],
      selector: { app: `app-${index}` },
    },
  };
}

export function serviceAddress(index: number): string {
  return `10.96.${(index >> 8) & 255}.${index & 255}`;
}

/** A Node without pods of its own. */
export function makeNode(name: string, address: string): unknown {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    spec: {},
    status: { addresses: [{ type: 'InternalIP', address }] },
  };
}

/** The slice of Service `index`; its endpoints are on a hundred nodes. */
export function makeSlice(index: number, endpoints: number): unknown {
  return makeSliceOf(
    index,
    Array.from({ length: endpoints }, (_, number) => {
      const id = index * 11 + number;
      return `10.${128 + ((id >> 16) & 63)}.${(id >> 8) & 255}.${id & 255}`;
    }),
  );
}

/** The same with these endpoints. */
export function makeSliceOf(index: number, addresses: readonly string[]): unknown {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      namespace: `team-${index % 50}`,
      name: `service-${index}-abcde`,
      labels: { 'kubernetes.io/service-name': `service-${index}` },
      resourceVersion: '1',
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    endpoints: addresses.map((address, number) => {
      const id = index * 11 + number;
      return {
        addresses: [address],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: `node-${id % 100}`,
        targetRef: { kind: 'Pod', namespace: `team-${index % 50}`, name: `pod-${id}` },
      };
    }),
  };
}

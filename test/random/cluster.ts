/**
 * A cluster as raw API objects, loosely typed as they come off the wire, and edits of it. Slots keep the
 * addresses of Services apart: what two Services with one address do is nobody's promise.
 */

export interface RawServicePort {
  readonly name?: string;
  readonly protocol?: string;
  readonly port: number;
  readonly nodePort?: number;
}

export interface RawService {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly type?: string;
    readonly clusterIP?: string;
    readonly clusterIPs?: readonly string[];
    readonly ipFamilies?: readonly string[];
    readonly ports: readonly RawServicePort[];
    readonly externalIPs?: readonly string[];
    readonly loadBalancerSourceRanges?: readonly string[];
    readonly internalTrafficPolicy?: string;
    readonly externalTrafficPolicy?: string;
    readonly sessionAffinity?: string;
    readonly sessionAffinityConfig?: { readonly clientIP?: { readonly timeoutSeconds?: number } };
  };
  readonly status: {
    readonly loadBalancer: { readonly ingress?: readonly RawIngress[] };
  };
}

export interface RawIngress {
  readonly ip?: string;
  readonly hostname?: string;
  readonly ipMode?: string;
}

export interface RawEndpoint {
  readonly addresses: readonly string[];
  readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean };
  readonly nodeName?: string;
  readonly hints?: { readonly forZones?: readonly { name: string }[]; readonly forNodes?: readonly { name: string }[] };
}

export interface RawSlice {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly addressType: string;
  readonly ports: readonly { readonly name?: string; readonly protocol?: string; readonly port?: number }[];
  readonly endpoints: readonly RawEndpoint[];
}

export interface RawNode {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: { readonly podCIDRs: readonly string[] };
  readonly status: { readonly addresses: readonly { readonly type: string; readonly address: string }[] };
}

/** Everything the agent can see. Services and slices by `namespace/name`. */
export interface Cluster {
  readonly services: ReadonlyMap<string, RawService>;
  readonly slices: ReadonlyMap<string, RawSlice>;
  readonly node: RawNode;
  /** Addresses of the node's interfaces besides the machine's own two and loopback. */
  readonly interfaces: readonly string[];
}

export type ServiceSpec = RawService['spec'];

/** One thing that happens. Slots and numbers name objects; what does not exist yet is made by its first edit. */
export type Edit =
  | { readonly kind: 'service'; readonly slot: number; readonly spec: Partial<ServiceSpec> }
  | { readonly kind: 'ingress'; readonly slot: number; readonly ingress: readonly RawIngress[] }
  | { readonly kind: 'label'; readonly slot: number; readonly labels: Readonly<Record<string, string>> }
  | { readonly kind: 'delete-service'; readonly slot: number }
  | { readonly kind: 'slice'; readonly slot: number; readonly index: number; readonly slice: Omit<RawSlice, 'metadata'> }
  | {
      readonly kind: 'move-slice';
      readonly slot: number;
      readonly index: number;
      readonly labels: RawSlice['metadata']['labels'];
    }
  | { readonly kind: 'delete-slice'; readonly slot: number; readonly index: number }
  | {
      readonly kind: 'endpoint';
      readonly slot: number;
      readonly index: number;
      readonly at: number;
      readonly conditions: NonNullable<RawEndpoint['conditions']>;
    }
  | { readonly kind: 'zone'; readonly zone: string | null }
  | { readonly kind: 'node-addresses'; readonly addresses: RawNode['status']['addresses'] }
  | { readonly kind: 'interfaces'; readonly interfaces: readonly string[] };

export const slots = [0, 1, 2, 3, 4] as const;

/** Two namespaces share names, so that a join by name alone would show. */
export function nameOf(slot: number): { readonly namespace: string; readonly name: string; readonly key: string } {
  const namespace = slot % 2 === 0 ? 'default' : 'other';
  const name = `s${slot >> 1}`;
  return { namespace, name, key: `${namespace}/${name}` };
}

/** The addresses only this slot's Service may have. */
export function addressesOf(slot: number) {
  return {
    cluster: [`10.96.0.${slot + 1}`, `fd00:10:96::${slot + 1}`],
    otherCluster: [`10.96.1.${slot + 1}`, `fd00:10:96::1:${slot + 1}`],
    external: [`198.51.100.${slot + 1}`, `198.51.100.${slot + 51}`, `2001:db8:100::${slot + 1}`],
    vip: [`198.51.100.${slot + 101}`, `198.51.100.${slot + 151}`, `2001:db8:100::1:${slot + 1}`],
    nodePorts: [30_000 + slot * 10, 30_001 + slot * 10],
  } as const;
}

/** The cluster after one edit; objects it did not touch are the same objects. */
export function applyEdit(cluster: Cluster, edit: Edit): Cluster {
  switch (edit.kind) {
    case 'service':
      return putService(cluster, edit.slot, (old) => ({ ...old, spec: { ...old.spec, ...edit.spec } }));
    case 'ingress':
      return putService(cluster, edit.slot, (old) => ({ ...old, status: { loadBalancer: { ingress: edit.ingress } } }));
    case 'label':
      return putService(cluster, edit.slot, (old) => ({ ...old, metadata: { ...old.metadata, labels: edit.labels } }));
    case 'delete-service':
      return { ...cluster, services: without(cluster.services, nameOf(edit.slot).key) };
    case 'slice':
      return putSlice(cluster, edit, (old) => ({ ...old, ...edit.slice }));
    case 'move-slice':
      return putSlice(cluster, edit, (old) => ({ ...old, metadata: { ...old.metadata, labels: edit.labels } }));
    case 'delete-slice':
      return { ...cluster, slices: without(cluster.slices, sliceKey(edit)) };
    case 'endpoint':
      return putSlice(cluster, edit, (old) => ({ ...old, endpoints: withConditions(old.endpoints, edit.at, edit.conditions) }));
    case 'zone': {
      const labels: Record<string, string> = edit.zone === null ? {} : { 'topology.kubernetes.io/zone': edit.zone };
      return { ...cluster, node: { ...cluster.node, metadata: { ...cluster.node.metadata, labels } } };
    }
    case 'node-addresses':
      return { ...cluster, node: { ...cluster.node, status: { addresses: edit.addresses } } };
    case 'interfaces':
      return { ...cluster, interfaces: edit.interfaces };
  }
}

function sliceKey({ slot, index }: { readonly slot: number; readonly index: number }): string {
  const { namespace, name } = nameOf(slot);
  return `${namespace}/${name}-${index}`;
}

function putService(cluster: Cluster, slot: number, change: (old: RawService) => RawService): Cluster {
  const { namespace, name, key } = nameOf(slot);
  const { cluster: ips } = addressesOf(slot);
  const fresh: RawService = {
    metadata: { namespace, name, labels: {} },
    spec: {
      type: 'ClusterIP',
      clusterIP: ips[0],
      clusterIPs: ips,
      ipFamilies: ['IPv4', 'IPv6'],
      ports: [{ name: 'a', protocol: 'TCP', port: 80 }],
    },
    status: { loadBalancer: {} },
  };
  return { ...cluster, services: new Map(cluster.services).set(key, change(cluster.services.get(key) ?? fresh)) };
}

function putSlice(
  cluster: Cluster,
  at: { readonly slot: number; readonly index: number },
  change: (old: RawSlice) => RawSlice,
): Cluster {
  const { namespace, name } = nameOf(at.slot);
  const key = sliceKey(at);
  const fresh: RawSlice = {
    metadata: { namespace, name: `${name}-${at.index}`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [],
    endpoints: [],
  };
  return { ...cluster, slices: new Map(cluster.slices).set(key, change(cluster.slices.get(key) ?? fresh)) };
}

function withConditions(
  endpoints: readonly RawEndpoint[],
  at: number,
  conditions: NonNullable<RawEndpoint['conditions']>,
): readonly RawEndpoint[] {
  return endpoints.map((endpoint, index) => (index === at % endpoints.length ? { ...endpoint, conditions } : endpoint));
}

function without<V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  const copy = new Map(map);
  copy.delete(key);
  return copy;
}

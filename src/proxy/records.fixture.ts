import { noLabels, noTuning, parseAddress } from '../model/mod.ts';
import type {
  Address,
  EndpointRecord,
  Family,
  NodeChoices,
  NodeRecord,
  ServicePortRecord,
  ServiceRecord,
  SliceRecord,
} from '../model/mod.ts';

/** Short ways to write records in tests. */
export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === null) throw new Error(`bad address in a test: ${text}`);
  return parsed;
}

export function servicePort(over: Partial<ServicePortRecord> = {}): ServicePortRecord {
  return { name: 'http', protocol: 'TCP', port: 80, nodePort: 0, ...over };
}

export function service(over: Partial<ServiceRecord> = {}): ServiceRecord {
  const { namespace = 'shop', name = 'web', clusterIps = { IPv4: address('10.96.0.10') } } = over;
  return {
    key: `${namespace}/${name}`,
    namespace,
    name,
    type: 'ClusterIP',
    proxied: true,
    headless: false,
    clusterIps,
    publishedIps: clusterIps,
    externalName: '',
    externalIps: [],
    loadBalancer: [],
    sourceRanges: [],
    ports: [servicePort()],
    affinity: null,
    internalLocal: false,
    externalLocal: false,
    healthCheckNodePort: 0,
    tuning: noTuning,
    labels: noLabels,
    loadBalancerClass: null,
    publishing: null,
    createdAt: 0,
    uid: '',
    ...over,
  };
}

export function endpoint(text: string, over: Partial<EndpointRecord> = {}): EndpointRecord {
  return {
    address: address(text),
    ready: true,
    serving: true,
    terminating: false,
    nodeName: 'node-2',
    zone: null,
    zoneHints: [],
    nodeHints: [],
    hostname: null,
    podName: null,
    ...over,
  };
}

export function slice(endpoints: readonly EndpointRecord[], over: Partial<SliceRecord> = {}): SliceRecord {
  const { ports = [{ name: 'http', protocol: 'TCP', port: 8080 }] } = over;
  return {
    key: 'shop/web-1',
    service: 'shop/web',
    proxied: true,
    family: 'IPv4' as Family,
    ports,
    publishedPorts: ports,
    endpoints,
    furtherEndpoints: [],
    triggeredAt: null,
    labels: noLabels,
    ...over,
  };
}

export function node(over: Partial<NodeRecord> = {}): NodeRecord {
  return {
    name: 'node-1',
    addresses: [address('192.0.2.11')],
    podCidrs: [],
    zone: null,
    leaving: false,
    labels: noLabels,
    weight: null,
    ...over,
  };
}

/** What an operator gets who chooses nothing, where pods are not told from others. */
export const choices: NodeChoices = {
  podDetection: { kind: 'cluster-cidr', prefixes: [] },
  nodePorts: { kind: 'all' },
  localhostNodePorts: true,
  masqueradeBit: 14,
  masqueradeAll: false,
  externalIps: true,
  bindAddress: null,
};

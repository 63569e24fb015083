import { parseName, lowerName } from '../../../src/dns/name.ts';
import type { Name } from '../../../src/dns/name.ts';
import type { KubernetesSettings } from '../../../src/dns/settings.ts';
import type { ZoneChange, ZoneEndpoint, ZonePort, ZoneService } from '../../../src/dns/zone-input.ts';
import type { ForwardOptions } from '../../../src/dns/zone-forward.ts';
import { isPort, parseAddress, protocols } from '../../../src/model/mod.ts';
import type { Address } from '../../../src/model/mod.ts';
import type { ClusterText, SettingsText } from './case-schema.ts';

/** Turns what a case file says of a cluster into what the zone is told. Throws, naming the value, on what makes no sense. */
export function buildCluster(cluster: ClusterText): ZoneChange {
  return {
    services: cluster.services.map(buildService),
    removedServices: [],
    namespaces: cluster.namespaces.map((entry) => (typeof entry === 'string' ? { name: entry, labels: {} } : entry)),
    removedNamespaces: [],
    pods: cluster.pods.map(({ pod, addresses, local, labels }) => ({
      key: pod,
      namespace: splitKey(pod).namespace,
      addresses: addresses.map(toAddress),
      local,
      labels,
    })),
    removedPods: [],
    synced: cluster.synced,
    at: cluster.at,
  };
}

function buildService(text: ClusterText['services'][number]): ZoneService {
  const kinds = [text.clusterIps, text.headless, text.externalName].filter((value) => value !== undefined);
  if (kinds.length !== 1) throw new Error(`Service ${text.service} needs one of clusterIps, headless and externalName`);
  return {
    key: text.service,
    ...splitKey(text.service),
    kind: text.clusterIps !== undefined ? 'cluster' : text.headless === true ? 'headless' : 'external',
    clusterIps: (text.clusterIps ?? []).map(toAddress),
    externalName: text.externalName ?? '',
    ports: text.ports.map(toPort),
    slices: text.slices.map(({ ports, endpoints, labels }) => ({
      ports: ports.map(toPort),
      endpoints: endpoints.map(toEndpoint),
      labels,
    })),
    labels: text.labels,
  };
}

type EndpointText = ClusterText['services'][number]['slices'][number]['endpoints'][number];

function toEndpoint(text: EndpointText): ZoneEndpoint {
  if (typeof text === 'string') return { address: toAddress(text), hostname: null, podName: null, zone: null };
  return {
    address: toAddress(text.address),
    hostname: text.hostname ?? null,
    podName: text.pod ?? null,
    zone: text.zone ?? null,
  };
}

function toPort(text: string): ZonePort {
  const [, name = '', number, protocolText] = /^(?:(\S+) )?(\d+)\/(\w+)$/.exec(text) ?? [];
  const port = Number(number);
  const protocol = protocols.find((known) => known === protocolText);
  if (protocol === undefined || !isPort(port)) throw new Error(`not a port such as "http 80/TCP": ${text}`);
  return { name, protocol, port };
}

function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const [namespace, name, more] = key.split('/');
  if (namespace === undefined || name === undefined || more !== undefined) throw new Error(`not a namespace/name: ${key}`);
  return { namespace, name };
}

function toAddress(text: string): Address {
  const address = parseAddress(text);
  if (address === null) throw new Error(`not an address: ${text}`);
  return address;
}

/** A name that a case file spells in presentation form, in lower case. */
export function toName(text: string): Name {
  const name = parseName(text);
  if (name === null) throw new Error(`not a name: ${text}`);
  return lowerName(name);
}

export function buildSettings(text: SettingsText): { readonly settings: KubernetesSettings; readonly options: ForwardOptions } {
  const { nodeZone, serverAddresses, selfService, ...rest } = text;
  return {
    settings: {
      ...rest,
      zones: rest.zones.map(toName),
      reverseZones: rest.reverseZones.map(toName),
      fallthrough: rest.fallthrough.map(toName),
      namespaces: rest.namespaces ?? null,
      namespaceLabels: rest.namespaceLabels ?? null,
      labels: rest.labels ?? null,
      startupTimeoutMs: 5000,
    },
    options: {
      nodeZone: nodeZone ?? null,
      serverAddresses: serverAddresses.map(toAddress),
      selfService: selfService === undefined ? null : splitKey(selfService),
    },
  };
}

import { parseName, rootName } from './name.ts';
import type { Name } from './name.ts';
import type { CacheSettings, DnsSettings, ForwardRule, HostsSettings, KubernetesSettings, ServerBlock } from './settings.ts';
import { reverseZones } from './settings-zones.ts';

/** A block that has nothing but zones. */
export function plainBlock(zones: readonly Name[], port: number): ServerBlock {
  return {
    zones,
    port,
    bind: [],
    acl: [],
    rewrite: [],
    cache: null,
    autopath: null,
    templates: [],
    hosts: null,
    kubernetes: null,
    forward: [],
    log: null,
    loop: false,
    shuffle: false,
    udpLimit: 1232,
    minimal: false,
    responseRate: 0,
  };
}

/** The directive `kubernetes` without options. */
export const plainKubernetes: KubernetesSettings = {
  zones: [],
  reverseZones: [],
  ttl: 5,
  pods: 'disabled',
  endpointPodNames: false,
  wildcards: false,
  zonal: false,
  ignoreEmptyService: false,
  noEndpoints: false,
  fallthrough: [],
  namespaces: null,
  namespaceLabels: null,
  labels: null,
  startupTimeoutMs: 5000,
  preferSameZone: false,
};

/** The directive `forward` without options. */
export const plainForward: ForwardRule = {
  suffix: rootName,
  except: [],
  upstreams: [],
  policy: 'random',
  transport: 'as_asked',
  maxConcurrent: 1000,
  maxFails: 2,
  healthIntervalMs: 500,
  healthRecursion: true,
  allDown: 'try',
  failover: [],
  expireMs: 10_000,
  mixCase: false,
};

/** The directive `cache` without arguments. */
export const plainCache: CacheSettings = {
  zones: [],
  success: { capacity: 9984, ttlCap: 3600, ttlFloor: 0 },
  denial: { capacity: 9984, ttlCap: 1800, ttlFloor: 0 },
  servfailMs: 5000,
  disableSuccess: [],
  disableDenial: [],
  keepTtl: false,
  prefetch: null,
  serveStale: null,
};

/** The directive `hosts` without arguments. */
export const plainHosts: HostsSettings = {
  zones: [],
  file: '/etc/hosts',
  lines: [],
  ttl: 3600,
  reverse: true,
  fallthrough: [],
  reloadMs: 5000,
};

/** The directive `reload` without arguments. */
export const plainReload = { intervalMs: 30_000, jitterMs: 15_000 } as const;

export interface DefaultOptions {
  /** In lower case. */
  readonly clusterDomain: Name;
  /** The resolv.conf whose name servers get what is not the cluster's. */
  readonly upstreamFile: string;
}

/** The cluster domain of nearly all clusters. */
export const usualClusterDomain: Name = parseName('cluster.local.') ?? rootName;

/** What runs where there is no file: specification 21.5. */
export function defaultSettings({ clusterDomain, upstreamFile }: DefaultOptions): DnsSettings {
  const block: ServerBlock = {
    ...plainBlock([rootName], 53),
    kubernetes: stockKubernetes([clusterDomain]),
    cache: stockCache([clusterDomain]),
    forward: [{ ...plainForward, upstreamFiles: [upstreamFile] }],
    loop: true,
    shuffle: true,
  };
  return {
    blocks: [block],
    health: { host: '', port: 8080, lameDuckMs: 5000 },
    ready: { host: '', port: 8181 },
    metrics: { host: '', port: 9153 },
    reload: plainReload,
  };
}

/** The cluster's zone as every stock deployment serves it. */
export function stockKubernetes(zones: readonly Name[]): KubernetesSettings {
  return { ...plainKubernetes, zones, reverseZones, ttl: 30, pods: 'insecure', fallthrough: reverseZones };
}

/** Thirty seconds for everything, and nothing for our own data, which is here anyway (specification 12.4). */
function stockCache(own: readonly Name[]): CacheSettings {
  const { success, denial } = plainCache;
  return {
    ...plainCache,
    success: { ...success, ttlCap: 30 },
    denial: { ...denial, ttlCap: 30 },
    disableSuccess: own,
    disableDenial: own,
  };
}

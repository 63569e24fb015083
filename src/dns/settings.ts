import type { Address, LabelSelector, Prefix } from '../model/mod.ts';
import type { Name } from './name.ts';

/**
 * What the resolver works from: plain data that `structuredClone` copies to the workers, and that a Corefile, a kube-dns
 * ConfigMap or our own document is turned into. Every value is valid and every default is filled in.
 */
export interface DnsSettings {
  /** A question belongs to the block with the longest zone that it is within, among those of the port it came to. */
  readonly blocks: readonly ServerBlock[];
  /** Null: not served. */
  readonly health: HealthSettings | null;
  readonly ready: ListenText | null;
  readonly metrics: ListenText | null;
  /** How often configuration files are looked at; null: never. */
  readonly reload: { readonly intervalMs: number; readonly jitterMs: number } | null;
}

/** Where an HTTP page listens. */
export interface ListenText {
  /** Empty: all addresses. */
  readonly host: string;
  readonly port: number;
}

export interface HealthSettings extends ListenText {
  /** How long answers go on after the end was asked for, while `/ready` says no. */
  readonly lameDuckMs: number;
}

export interface ServerBlock {
  /** In lower case; at least one. */
  readonly zones: readonly Name[];
  /** The port questions come to, before any interception. */
  readonly port: number;
  /** Addresses to listen on in place of the agent's own choice; empty: that choice. */
  readonly bind: readonly Address[];
  readonly acl: readonly AclRule[];
  readonly rewrite: readonly RewriteRule[];
  readonly cache: CacheSettings | null;
  readonly autopath: AutopathSettings | null;
  readonly templates: readonly TemplateRule[];
  readonly hosts: HostsSettings | null;
  readonly kubernetes: KubernetesSettings | null;
  /** In the order of the file; the rule with the longest matching suffix is taken, the first among equals. */
  readonly forward: readonly ForwardRule[];
  /** Classes of answers that are logged; null: none. */
  readonly log: readonly LogRule[] | null;
  /** Look for a loop through the default upstream at start (specification 11.15). */
  readonly loop: boolean;
  /** Shuffle addresses (specification 10.2). */
  readonly shuffle: boolean;
  /** Largest UDP reply, 512 to 4096. */
  readonly udpLimit: number;
  /** Leave out authority and additional records that a client does not need. */
  readonly minimal: boolean;
  /** Replies for each second and client over UDP, 0: no limit (specification 18.2). */
  readonly responseRate: number;
}

/** Options of specification 1.9, 3 and 15.1. */
export interface KubernetesSettings {
  /** Forward zone, in lower case; the first is the cluster domain that generated names carry. */
  readonly zones: readonly Name[];
  /** Zones below in-addr.arpa and ip6.arpa, in lower case; the whole of both where the file names them so. */
  readonly reverseZones: readonly Name[];
  readonly ttl: number;
  readonly pods: 'disabled' | 'insecure' | 'verified';
  readonly endpointPodNames: boolean;
  readonly wildcards: boolean;
  readonly zonal: boolean;
  readonly ignoreEmptyService: boolean;
  readonly noEndpoints: boolean;
  /** Zones whose NXDOMAIN goes on to the next stage, in lower case. */
  readonly fallthrough: readonly Name[];
  /** Null: all. */
  readonly namespaces: readonly string[] | null;
  readonly namespaceLabels: LabelSelector | null;
  readonly labels: LabelSelector | null;
  readonly startupTimeoutMs: number;
  /** Same-zone endpoints of headless Services first, by the node's zone (specification 17.2). */
  readonly preferSameZone: boolean;
}

export interface ForwardRule {
  /** Names within are forwarded; the root for a default upstream. In lower case. */
  readonly suffix: Name;
  /** In lower case. */
  readonly except: readonly Name[];
  readonly upstreams: readonly Upstream[];
  /** Paths of resolv.conf files whose name servers are still to be read (`resolveFiles`); absent once they are. */
  readonly upstreamFiles?: readonly string[];
  readonly policy: 'random' | 'round_robin' | 'sequential';
  readonly transport: 'as_asked' | 'prefer_udp' | 'force_tcp';
  readonly maxConcurrent: number;
  /** 0: no health checks, never down. */
  readonly maxFails: number;
  readonly healthIntervalMs: number;
  readonly healthRecursion: boolean;
  /** When all are down: try one all the same, or fail at once. */
  readonly allDown: 'try' | 'fail';
  /** Response codes that send the question to the next upstream. */
  readonly failover: readonly number[];
  /** How long an idle connection is kept. */
  readonly expireMs: number;
  /** Send the name in random spelling and want it back so (draft-vixie-dnsext-dns0x20). */
  readonly mixCase: boolean;
}

export interface Upstream {
  readonly address: Address;
  readonly port: number;
}

export interface CacheSettings {
  /** In lower case; names outside are not cached. Empty: all. */
  readonly zones: readonly Name[];
  readonly success: CacheClass;
  readonly denial: CacheClass;
  /** Milliseconds that a SERVFAIL is remembered. */
  readonly servfailMs: number;
  /** Zones in lower case that are not cached; the root for all. */
  readonly disableSuccess: readonly Name[];
  readonly disableDenial: readonly Name[];
  readonly keepTtl: boolean;
  /** Null: off. */
  readonly prefetch: { readonly amount: number; readonly intervalMs: number; readonly percentage: number } | null;
  /** Null: off. */
  readonly serveStale: { readonly forMs: number; readonly mode: 'immediate' | 'verify' } | null;
}

export interface CacheClass {
  /** Entries. */
  readonly capacity: number;
  /** Seconds. */
  readonly ttlCap: number;
  /** Seconds; entries are kept at least so long, and their TTL is still never raised in an answer. */
  readonly ttlFloor: number;
}

export interface HostsSettings {
  /** Names outside are another stage's, in lower case. Empty: all. */
  readonly zones: readonly Name[];
  /** Path of a file in the format of hosts(5); null: inline entries alone. */
  readonly file: string | null;
  /** Inline lines, after those of the file. */
  readonly lines: readonly string[];
  readonly ttl: number;
  readonly reverse: boolean;
  /** Zones whose unlisted names go on, in lower case; the root for all. Others get NXDOMAIN. */
  readonly fallthrough: readonly Name[];
  readonly reloadMs: number;
}

export interface AclRule {
  readonly zones: readonly Name[];
  readonly action: 'allow' | 'block' | 'filter' | 'drop';
  /** Record types; empty: all. */
  readonly types: readonly number[];
  /** Empty: all. */
  readonly sources: readonly Prefix[];
}

export interface RewriteRule {
  readonly matches: RewriteMatch;
  /** What happens after this rule matched. */
  readonly after: 'stop' | 'continue';
}

export type RewriteMatch =
  | {
      readonly kind: 'name';
      readonly how: 'exact' | 'prefix' | 'suffix' | 'substring' | 'regex';
      readonly from: string;
      readonly to: string;
      /** Owners of answers are mapped back: always for exact rules, else where asked for. */
      readonly answers:
        | 'auto'
        | 'keep'
        | readonly { readonly kind: 'name' | 'value'; readonly from: string; readonly to: string }[];
    }
  | { readonly kind: 'type'; readonly from: number; readonly to: number }
  | {
      readonly kind: 'ttl';
      readonly how: 'exact' | 'prefix' | 'suffix' | 'substring' | 'regex';
      readonly from: string;
      readonly min: number;
      readonly max: number;
    }
  | {
      readonly kind: 'rcode';
      readonly how: 'exact' | 'prefix' | 'suffix' | 'substring' | 'regex';
      readonly name: string;
      readonly from: number;
      readonly to: number;
    };

export interface TemplateRule {
  readonly zones: readonly Name[];
  /** Null: all types. */
  readonly type: number | null;
  /** Regular expressions over the name in presentation form, lower case, with the dot at the end; empty: all names. */
  readonly match: readonly string[];
  /** Records in presentation form, with `{{ .Name }}` and `{{ .Group.x }}` as in a Corefile. */
  readonly answer: readonly string[];
  readonly additional: readonly string[];
  readonly authority: readonly string[];
  readonly rcode: number;
  /** Zones where names that match no expression go on. */
  readonly fallthrough: readonly Name[];
}

export interface AutopathSettings {
  /** In lower case. */
  readonly zones: readonly Name[];
  /** The node's own search list, in lower case, tried behind the cluster's. */
  readonly search: readonly Name[];
  /** Path of the resolv.conf that the search list is still to be read from (`resolveFiles`); absent once it is. */
  readonly searchFile?: string;
}

export interface LogRule {
  readonly zones: readonly Name[];
  /** Empty: all. */
  readonly classes: readonly ('success' | 'denial' | 'error')[];
}

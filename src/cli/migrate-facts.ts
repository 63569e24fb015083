import type { Family } from '../model/mod.ts';
import type { NodeFacts, SysctlFact } from './check-facts.ts';
import type { BoundSocket } from './check-dns.ts';
import type { KubeProxyFacts } from './kube-proxy-facts.ts';
import type { MachineFacts } from './plan-sysctls.ts';

/** What a comparison with the kube-proxy of a node knows, besides what every check knows. Nothing was changed for it. */
export interface MigrationFacts {
  readonly node: NodeFacts;
  readonly kubeProxy: KubeProxyFacts;
  readonly machine: MachineFacts;
  /** `iptables-save` of both variants, of each family; empty where no table is in use. */
  readonly rules: Readonly<Record<Family, string>>;
  /** `nft list table` of kube-proxy's own; null where there is none. */
  readonly tables: Readonly<Record<Family, string | null>>;
  /** `ipset list -name` */
  readonly sets: string;
  /** Of TCP, that listen. */
  readonly sockets: readonly BoundSocket[];
  /** By path: every parameter that kube-proxy or we may set. */
  readonly parameters: ReadonlyMap<string, SysctlFact>;
}

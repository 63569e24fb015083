import type { Address } from './address.ts';
import type { Prefix } from './prefix.ts';

/** How pod traffic is told apart, before the Node is known (specification 4.2). */
export type PodDetection =
  /** At most one prefix of each family counts: the first. */
  | { readonly kind: 'cluster-cidr'; readonly prefixes: readonly Prefix[] }
  | { readonly kind: 'node-cidr' }
  | { readonly kind: 'interface'; readonly name: string }
  | { readonly kind: 'interface-prefix'; readonly prefix: string };

/** Which node addresses accept node ports, before the node's addresses are known (specification 2.1). */
export type NodePortChoice =
  | { readonly kind: 'all' }
  | { readonly kind: 'primary' }
  | { readonly kind: 'prefixes'; readonly prefixes: readonly Prefix[] };

/** What an operator chose that a data plane's settings are resolved from, node by node. */
export interface NodeChoices {
  readonly podDetection: PodDetection;
  readonly nodePorts: NodePortChoice;
  /** 127.0.0.0/8 accepts node ports, where the data plane can. */
  readonly localhostNodePorts: boolean;
  /** 0-31. */
  readonly masqueradeBit: number;
  readonly masqueradeAll: boolean;
  /** False: `spec.externalIPs` count for nothing (feature gate AllowServiceExternalIPs). */
  readonly externalIps: boolean;
  /** Replaces the Node's address of its family; null where unspecified. */
  readonly bindAddress: Address | null;
}

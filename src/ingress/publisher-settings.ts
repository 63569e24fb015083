import type {
  Address,
  AddressCapture,
  DirectReturnMethod,
  Family,
  Lookup,
  NodeRecord,
  Prefix,
  ProxyMode,
  PublishNotice,
  Publisher,
  ServiceKey,
} from '../model/mod.ts';

/** What the node's configuration says of publishing (specification of ingress, 15). */
export interface PublisherSettings {
  /** `ingress.class`: Services with this `loadBalancerClass` are published without an annotation. */
  readonly className: string;
  /** `ingress.vipCIDRs`, both families; null: every address that is not refused for another reason. */
  readonly vipCidrs: readonly Prefix[] | null;
  /** `ingress.externalIPs`, both families; empty: external IPs of Services that are published get nothing. */
  readonly externalIps: readonly Prefix[];
  readonly capture: AddressCapture;
  /** Services may have their addresses announced by one node, so the others must not answer for them. */
  readonly announces: boolean;
  readonly directReturn: {
    readonly enabled: boolean;
    readonly method: DirectReturnMethod;
    /** UDP port of GUE. */
    readonly guePort: number;
  };
  /** Null: drop where an upstream balancer relies on silence (mode `local`), reject elsewhere. */
  readonly noEndpointsAction: 'drop' | 'reject' | null;
  /** Something tells pod traffic from other traffic; else pods count as clients outside. */
  readonly detectsPods: boolean;
  readonly limits: PublishingLimits;
}

export interface PublishingLimits {
  readonly portsPerService: number;
  readonly rangesPerService: number;
  /** Marks that the Services of one namespace may have together; 0: as many as they ask for. */
  readonly marksPerNamespace: number;
}

/** What is known of the cluster at one moment. The same object as long as nothing of it changes: much is derived from it. */
export interface PublisherFacts {
  /** Of this node's interfaces. */
  readonly nodeAddresses: Iterable<Address>;
  readonly apiServers: Iterable<Address>;
  /** Of the cluster; those of the Nodes are taken from `nodes`. */
  readonly podCidrs: readonly Prefix[];
  readonly serviceCidrs: readonly Prefix[];
  /** Null while the Nodes of the cluster are not known. */
  readonly nodes: Lookup<NodeRecord> | null;
}

/** What this node knows of the way to the other nodes. */
export interface PeerKnowledge {
  /** Whether direct routing gets to a node and is told from clients there; `unknown`: that is being found out. */
  readonly reach: (address: Address) => 'reached' | 'unknown' | 'unfit';
  /** How large segments of TCP may be that are packed into tunnels; null: as large as they like. */
  readonly segmentSize: (family: Family) => number | null;
}

export interface PublisherOptions {
  readonly mode: ProxyMode;
  readonly nodeName: string;
  readonly settings: PublisherSettings;
  readonly facts: () => PublisherFacts;
  /** Absent: every node is reached, and segments are as large as they like. */
  readonly peers?: PeerKnowledge;
  /** Called once for each message, and again when it comes back after it was void. */
  readonly notice: (notice: PublishNotice) => void;
  /** These Services have to be published anew, because what they share with another has changed hands. Never at once: see to it later. */
  readonly touch: (services: ReadonlySet<ServiceKey>) => void;
  /** Absent: whatever the cluster calls ready is live. */
  readonly isLive?: Publisher['isLive'];
}

/** A publisher that remembers what Services claim, so it has to be told of those that are gone. */
export interface IngressPublisher extends Publisher {
  /** The Service has nothing of the family any more; what it held goes to the next one that asks for it. */
  forget(service: ServiceKey, family: Family): void;
}

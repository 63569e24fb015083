import type { EffectiveConfig } from '../config/mod.ts';
import type { Clock, Family, FamilyHealth, Outcome, Problem, RowWatch, ServiceKey, Snapshot, StatusRow } from '../model/mod.ts';
import type { AgentEvent } from '../kube/mod.ts';
import type { Logger, Registry } from '../observe/mod.ts';
import type { EndpointUse, FamilyDiff, FamilyTally, HealthCheckRow, Pace } from '../proxy/mod.ts';
import type { LiveConfig } from './live-config.ts';
import type { ConnectionCounts } from './connections.ts';
import type { DnsHandle } from './start-dns.ts';
import type { IngressStatus } from './start-ingress.ts';

/** A running proxy, as far as the commands see it. */
export interface ProxyHandle {
  rows(): readonly StatusRow[];
  /** Follows the rows for one reader; absent before there are any. */
  watchRows?(): RowWatch;
  /** Frontends by state, for nothing; absent before there are any. */
  tally?(): readonly FamilyTally[];
  /** Connection counts of the kernel; absent where the mode has none. */
  connections?(): Promise<ConnectionCounts>;
  /** What separates the kernel from what is wanted, read afresh; absent before there is anything to compare. */
  compare?(): Promise<readonly FamilyDiff[]>;
  /** The families whose sync loops have started. */
  healthOf(): readonly FamilyHealth[];
  /** The Node was seen, is not being deleted and carries no taint of the autoscaler (specification 7.2). */
  nodeEligible(): boolean;
  /** The first complete sync is done in every family. */
  synced(): boolean;
  /** What is known of the cluster; absent before anything is. */
  snapshot?(): Snapshot | null;
  /** The resolver; absent where it is off. */
  readonly dns?: Pick<DnsHandle, 'lookup' | 'logQueries' | 'lameDuckMs' | 'ready'>;
  /** The resolver's metrics as Prometheus text; absent where it is off. */
  dnsMetrics?(): Promise<string>;
  /** What became of the endpoints of these Services; absent before anything is known. */
  explainEndpoints?(services: Iterable<ServiceKey>): Promise<readonly EndpointUse[]>;
  /** The ports on which load balancers ask for endpoints; absent: there are none. */
  healthChecks?(): readonly HealthCheckRow[];
  /** What ingress publishes; absent where it is off. */
  ingress?(): IngressStatus;
  /** Other periods from now on; absent: nothing follows any. */
  setPace?(pace: Pace): void;
  /** Ends watches and loops and leaves every rule in place. */
  stop(): Promise<void>;
}

/** What a proxy is started with. */
export interface StartProxyOptions {
  /** That of the start. */
  readonly config: EffectiveConfig;
  /** That in force. */
  readonly live: LiveConfig;
  readonly nodeName: string;
  /** The primary one first. */
  readonly families: readonly Family[];
  readonly clock: Clock;
  readonly registry: Registry;
  readonly logger: Logger;
  /** Takes problems that the agent lives with; says the same one once a minute. */
  readonly report: (problem: Problem) => void;
  /** The agent cannot do what it was configured for: it ends with exit code 1, and the rules stay. */
  readonly fatal: (problem: Problem) => void;
  /** Tells the cluster, in an Event; absent: there is no cluster to tell. */
  readonly event?: (event: AgentEvent) => void;
}

/** Starts watching and programming; settles when all is set up, not when the first sync is done. */
export type StartProxy = (options: StartProxyOptions) => Promise<Outcome<ProxyHandle>>;

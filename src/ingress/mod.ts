/**
 * Ingress: what becomes of Services that are published to clients outside the cluster. Decides which addresses and ports a
 * Service gets, which of them share a firewall mark, and whom they lead to.
 */
export { createPublisher } from './publisher.ts';
export type {
  IngressPublisher,
  PublisherFacts,
  PublisherOptions,
  PublisherSettings,
  PublishingLimits,
} from './publisher-settings.ts';
export { matchesLabels } from './label-selector.ts';
 * Ingress: what the node publishes to clients outside of the cluster, and which back ends are fit to serve them.
 */
export { openProbes } from './driver-probe.ts';
export type { Probes } from './driver-probe.ts';
export { HealthChecker } from './health-checker.ts';
export type { HealthCheckerOptions } from './health-checker.ts';
export { checkable, firstTcpPorts } from './health-target.ts';
export type { TcpPorts } from './health-target.ts';
export type { AskBackend, HealthCounts, HealthRow, ProbeAnswer, ProbeTarget, Verdict } from './health-types.ts';
 * Publishing Services to clients outside the cluster: which addresses they have, and who of the agents may say so.
 */
export { LeaseElector } from './lease-elector.ts';
export type { ElectorOptions, Term } from './lease-elector.ts';
export { defaultLeaseTimings } from './lease-state.ts';
export type { LeaseTimings } from './lease-state.ts';
export { createAddressPoolAgent } from './pool-agent.ts';
export type { AddressPoolAgent, AddressPoolOptions } from './pool-agent.ts';
export type { PoolUsage } from './pool-usage.ts';

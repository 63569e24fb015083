/**
 * Ingress: publishing Services to clients outside the cluster. Which addresses and ports a Service gets, which of them share a
 * firewall mark and whom they lead to; which back ends are fit to serve; who gives out addresses and who answers for them.
 */
export { createPublisher } from './publisher.ts';
export type {
  IngressPublisher,
  PeerKnowledge,
  PublisherFacts,
  PublisherOptions,
  PublisherSettings,
  PublishingLimits,
} from './publisher-settings.ts';
export { openProbes } from './driver-probe.ts';
export type { Probes } from './driver-probe.ts';
export { HealthChecker } from './health-checker.ts';
export type { HealthCheckerOptions } from './health-checker.ts';
export { checkable, firstTcpPorts } from './health-target.ts';
export type { TcpPorts } from './health-target.ts';
export type { AskBackend, HealthCounts, HealthRow, ProbeAnswer, ProbeTarget, Verdict } from './health-types.ts';
export { LeaseElector } from './lease-elector.ts';
export type { ElectorOptions, Term } from './lease-elector.ts';
export { defaultLeaseTimings } from './lease-state.ts';
export type { LeaseTimings } from './lease-state.ts';
export { createAddressPoolAgent } from './pool-agent.ts';
export type { AddressPoolAgent, AddressPoolOptions } from './pool-agent.ts';
export type { PoolUsage } from './pool-usage.ts';
export { openLinkWatcher } from './driver-links.ts';
export type { LinkWatcher } from './link-watcher.ts';
export { openAnnounceKernel, watchInterfaces } from './driver-announce.ts';
export type { AnnounceKernelSettings } from './driver-announce.ts';
export { AnnounceBook } from './announce-book.ts';
export { Announcer } from './announcer.ts';
export type { AnnouncerOptions, AnnounceNotice } from './announcer.ts';
export type { AnnounceKernel } from './announce-kernel.ts';
export type { AnnounceWish } from './announce-election.ts';
export type { AnnounceRow } from './announce-table.ts';

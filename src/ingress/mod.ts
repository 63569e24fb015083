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

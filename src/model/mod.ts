/**
 * The vocabulary every room shares: addresses, records of API objects, frontends and the contract
 * that a data plane fulfils. Pure values and functions; imports nothing from other rooms.
 */
export { addressBytes, compareText, familyOf, formatAddress, isLoopback, parseAddress } from './address.ts';
export type { Address } from './address.ts';
export { noAddressRequest } from './address-pool.ts';
export type { AddressPool, AddressRange, AddressRequest } from './address-pool.ts';
export type { Clock } from './clock.ts';
export type {
  LeaseStore,
  LeaseTerms,
  LiveService,
  ServiceStatusStore,
  Stored,
  StoredLease,
  StoredTable,
  TableStore,
} from './cluster-store.ts';
export type {
  ApplyReport,
  Change,
  DataPlane,
  DataPlaneSettings,
  DatagramTarget,
  Neighbour,
  NodePortAddresses,
  PodTraffic,
  ProxyMode,
  RuleCount,
} from './data-plane.ts';
export { alignLists } from './align-lists.ts';
export type { AlignedPair } from './align-lists.ts';
export type { Difference } from './difference.ts';
export { formatDuration, parseDuration } from './duration.ts';
export { chooseEndpoints, findHintKind } from './endpoint-choice.ts';
export type { Candidate, Choice, Vantage } from './endpoint-choice.ts';
export { families } from './family.ts';
export type { Family } from './family.ts';
export { clientClasses } from './frontend.ts';
export type { AllowedSources, Backend, ClientClass, Frontend, FrontendKind, Pool, Route } from './frontend.ts';
export { formatSelector, matchesSelector, parseSelector } from './label-selector.ts';
export type { LabelSelector } from './label-selector.ts';
export { interceptLease } from './intercept.ts';
export type { Capture, InterceptRules, InterceptWish } from './intercept.ts';
export { capacityOf, indexOfMark, markOfIndex } from './mark-space.ts';
export type { MarkSpace } from './mark-space.ts';
export type { LeaseListener, LeasePort, MemberLease } from './member-lease.ts';
export type { NodeChoices, NodePortChoice, PodDetection } from './node-settings.ts';
export { fail, succeed } from './outcome.ts';
export type { Outcome, Problem } from './outcome.ts';
export { addStep, masquerade, startWorld, stepsOf, tellNoMasquerade, translateDestination } from './packet-trace.ts';
export type {
  PacketWorld,
  PathStep,
  SentPacket,
  StageEnd,
  TraceEffect,
  TraceHook,
  TraceHost,
  TraceStage,
  TraceStep,
  TracedConnection,
  TracedPacket,
} from './packet-trace.ts';
export type { Pause } from './pause.ts';
export type { PeerNode, PeerSettings, TunnelProtocol } from './peers.ts';
export { formatEndpoint, isPort, protocolNumbers, protocols } from './port.ts';
export type { Protocol } from './port.ts';
export { precedenceOf } from './precedence.ts';
export { addressBits, findLongest, formatPrefix, hostPrefix, parsePrefix, prefixContains } from './prefix.ts';
export type { Prefix } from './prefix.ts';
export type {
  AddressCapture,
  Delivery,
  DirectReturnMethod,
  HashFlag,
  HealthCheckSpec,
  HealthProbe,
  LabelRequirement,
  PortRange,
  Publication,
  PublishingMethod,
  PublishingMode,
  ServicePublishing,
} from './publication.ts';
export type { BackendAddress, PublishNotice, PublishReason, PublishRequest, Publisher } from './publisher.ts';
export { noPublishing } from './publication.ts';
export { noLabels, noTuning } from './records.ts';
export { splitServiceKey } from './service-key.ts';
export type {
  Affinity,
  ClusterIps,
  DnsData,
  EndpointRecord,
  EndpointWeight,
  IngressData,
  Labels,
  LoadBalancerIngress,
  NamespaceRecord,
  NodeRecord,
  PodRecord,
  ServiceKey,
  ServicePortRecord,
  ServiceRecord,
  ServiceTuning,
  SlicePortRecord,
  SliceRecord,
} from './records.ts';
export { repeatByWeight } from './repeat-by-weight.ts';
export { schedulerNames } from './scheduler.ts';
export { markLayout, markOfServer, serverOfMark, sideKey } from './side-rules.ts';
export type {
  CaptureAddressEntry,
  CaptureEntry,
  DecisionEntry,
  HairpinEntry,
  LoopbackEntry,
  ProtectedEntry,
  RecordEntry,
  RestrictedEntry,
  SideChange,
  SideDecision,
  SideEntry,
  SideReport,
  SideRules,
  SideClient,
  SideSettings,
  SideState,
  SourceEntry,
  StickyEntry,
  ClampEntry,
  LaneEntry,
  PeerEntry,
  RewriteEntry,
} from './side-rules.ts';
export { emptySnapshot, noDirt } from './snapshot.ts';
export type { Dirty, Lookup, Snapshot } from './snapshot.ts';
export type {
  BackendConnections,
  DestinationConnections,
  FamilyHealth,
  RowState,
  RowWatch,
  ServerConnections,
  ServerStatistics,
  ServiceRows,
  StatusRow,
} from './status.ts';
export { trafficFields, unknownTraffic } from './traffic.ts';
export type { TrafficCounters } from './traffic.ts';

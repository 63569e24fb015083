/**
 * The lab: two nodes with pods, an outside client and a gateway, made of network namespaces, with real
 * TCP and UDP between them. Shared by tests, demo and benchmarks.
 */
export { secondNodeAddress } from './addressing.ts';
export { canMakeNamespaces, kernelFamilies, kernelHasIpvs, kernelHasSctp } from './capability.ts';
export { createLab } from './lab.ts';
export type { Lab } from './lab.ts';
export { listenOnAll } from './place.ts';
export type { Place } from './place.ts';
export { pollUntil } from './poll.ts';
export type {
  Answer,
  Attempt,
  Listener,
  LoadReport,
  NameQuestion,
  Resolved,
  SocketProtocol,
  Target,
} from './resident/protocol.ts';
export { hasEachFamily } from './rows.ts';
export { buildLoadTools, canBuildLoad } from './start-load.ts';
export type { LoadTools, SteadyReport } from './start-load.ts';
export { createTemporaryFolder } from './temporary-folder.ts';
export { launcher, startWaypost, writeManifest } from './waypost.ts';
export type { RunningWaypost } from './waypost.ts';

/**
 * Ingress: what the node publishes to clients outside of the cluster, and which back ends are fit to serve them.
 */
export { openProbes } from './driver-probe.ts';
export type { Probes } from './driver-probe.ts';
export { HealthChecker } from './health-checker.ts';
export type { HealthCheckerOptions } from './health-checker.ts';
export { checkable, firstTcpPorts } from './health-target.ts';
export type { TcpPorts } from './health-target.ts';
export type { AskBackend, HealthCounts, HealthRow, ProbeAnswer, ProbeTarget, Verdict } from './health-types.ts';

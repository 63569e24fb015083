/**
 * The way of a packet through a node: routing, the order of hooks, connection tracking. What happens at the hooks comes
 * from the rooms that know it, as stages; what the kernel holds is read by others. Pure values and functions.
 */
export { createRouting } from './routing.ts';
export type { Routing, RoutingState } from './routing.ts';
export { walkPacket } from './walk-packet.ts';
export type { NodeSysctls, TracedNode, TracedWay } from './walk-packet.ts';
export { summariseWays, verdictOf } from './summarise.ts';
export type { TraceEnd, TraceSummary, TraceVerdict } from './summarise.ts';

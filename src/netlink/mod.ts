/**
 * Netlink: a pure codec for messages and attributes, a socket that sends requests and transactions and reads dumps
 * without holding up the event loop, notifications, and on top of them the conntrack table, routes, routing rules and
 * addresses. Shared by the rooms that program the kernel. The same few functions of libc carry UDP in batches
 * and ask whether a TCP port answers.
 */
export { writeAttribute, writeNested, walkAttributes } from './attributes.ts';
export { ByteWriter } from './bytes.ts';
export { subsystems, writeNetfilterHeader } from './codec-batch.ts';
export type { BatchVerdict } from './codec-batch.ts';
export { genericHeaderLength, writeGenericHeader } from './codec-generic.ts';
export type { ConntrackFlow, ConntrackListing, ConntrackPort, ConntrackQuery, ConntrackRemoval } from './conntrack-port.ts';
export { createConntrackPort } from './driver-conntrack.ts';
export type { ConntrackPortOptions } from './driver-conntrack.ts';
export { makePeer, openConnector } from './driver-connect.ts';
export type { Connection, ConnectionEars, Connector, Peer } from './driver-connect.ts';
export { bindStream, closeDescriptors, openDatagrams } from './driver-datagrams.ts';
export type { Datagrams, DatagramsOptions } from './driver-datagrams.ts';
export { datagramSlots } from './datagram-memory.ts';
export { holdLibc, netlinkProtocol, openWire } from './driver-libc.ts';
export { NetlinkSocket } from './driver-socket.ts';
export type { DumpResult, Request, TakeMessage, Transaction, TransactionResult, Verdict } from './driver-socket.ts';
export { resolveFamily } from './generic.ts';
export { errnoName, errnos } from './errno.ts';
export { createFakeConntrack } from './fake-conntrack.ts';
export type { FakeConntrack } from './fake-conntrack.ts';
export { messageFlags } from './message.ts';
export type { Message, Refusal } from './message.ts';
export { refusedFailure } from './problem.ts';
export type { Failure } from './problem.ts';
export { openRoutePort } from './driver-route.ts';
export type { RoutePortOptions } from './driver-route.ts';
export { createRouteTool } from './driver-route-exec.ts';
export type { RouteToolOptions } from './driver-route-exec.ts';
export { openFrames } from './driver-frames.ts';
export type { FrameSender } from './driver-frames.ts';
export { openNeighbourPort } from './driver-neighbour.ts';
export { createFakeNeighbours } from './fake-neighbour.ts';
export type { FakeNeighbours } from './fake-neighbour.ts';
export type { Neighbour, NeighbourPort, ProxyNeighbour } from './neighbour-port.ts';
export { createFakeRoutes } from './fake-route.ts';
export type { FakeRoutes } from './fake-route.ts';
export { createFaultyRoutes } from './faulty-route.ts';
export { openTunnelPort } from './driver-tunnel.ts';
export type { TunnelPortOptions } from './driver-tunnel.ts';
export type { FoundDevice, TunnelPort } from './tunnel-port.ts';
export { askGeneration } from './generation.ts';
export type { Generation } from './codec-generation.ts';
export { openNotifications } from './driver-notifications.ts';
export type { Notification, NotificationOptions, Subscription } from './driver-notifications.ts';
export { watchAddresses, watchNeighbours, watchRoutes, watchTables } from './watch.ts';
export type { AddressEvent, RouteEvent, TransactionEvent } from './watch.ts';
export type { KernelAddress, NetworkInterface } from './codec-link.ts';
export type { LocalAddress, Route, RoutePort, RoutingRule } from './route-port.ts';
export type { Wire } from './wire.ts';

/**
 * Netlink: a pure codec for messages and attributes, a socket that sends requests and reads dumps without
 * holding up the event loop, and the conntrack table on top of both. Shared by the rooms that program the kernel.
 */
export { writeAttribute, writeNested, walkAttributes } from './attributes.ts';
export { ByteWriter } from './bytes.ts';
export type { ConntrackFlow, ConntrackListing, ConntrackPort, ConntrackQuery, ConntrackRemoval } from './conntrack-port.ts';
export { createConntrackPort } from './driver-conntrack.ts';
export type { ConntrackPortOptions } from './driver-conntrack.ts';
export { netlinkProtocol, openWire } from './driver-libc.ts';
export { NetlinkSocket } from './driver-socket.ts';
export type { DumpResult, Request, Verdict } from './driver-socket.ts';
export { errnoName, errnos } from './errno.ts';
export { createFakeConntrack } from './fake-conntrack.ts';
export type { FakeConntrack } from './fake-conntrack.ts';
export { messageFlags } from './message.ts';
export type { Message, Refusal } from './message.ts';
export type { Failure } from './problem.ts';
export type { Wire } from './wire.ts';

/**
 * IPVS: virtual servers as values, a parser for what `ipvsadm --save` prints, a writer for `ipvsadm --restore`, a
 * reader for `/proc/net/ip_vs`, two drivers (generic netlink and the tool) behind one port, and a kernel in memory that
 * refuses what the real one refuses.
 */
export { createIpvsDataPlane } from './data-plane.ts';
export type { IpvsDataPlane } from './data-plane.ts';
export { createIpvsExecPort } from './driver-exec.ts';
export type { ExecPortOptions, RunTool, ToolResult } from './driver-exec.ts';
export { createIpvsNetlinkPort } from './driver-netlink.ts';
export type { NetlinkPortOptions } from './driver-netlink.ts';
export type { IpvsCode, IpvsProblem } from './errors.ts';
export { createSysctlPort } from './driver-ipvs-sysctl.ts';
export { createFakeIpvs } from './fake.ts';
export type { FakeIpvs, FakeOptions } from './fake.ts';
export { createFakeSideRules } from './fake-side-rules.ts';
export type { FakeSideRules, SideFate } from './fake-side-rules.ts';
export { createFaultyIpvs } from './faulty.ts';
export type { FaultOptions } from './faulty.ts';
export { parseRestore, parseSave } from './parse-save.ts';
export type { IpvsOperation, IpvsPort, IpvsReport, IpvsTimeouts } from './port.ts';
export { readProcServers } from './proc.ts';
export type { ProcDestination, ProcServer, ProcServerKey } from './proc.ts';
export { renderOperation } from './render.ts';
export { routeProtocol } from './routes.ts';
export { standardNumbers } from './settings.ts';
export type { IpvsNotice, IpvsOptions, SysctlPort } from './settings.ts';
export { createServerStages } from './trace-servers.ts';
export { validateDestination, validateMember, validateOperation, validateServer } from './validate.ts';
export { destinationKeyText, serverKeyText } from './virtual-server.ts';
export type {
  Destination,
  DestinationCounters,
  DestinationKey,
  Forwarding,
  ListedDestination,
  ListedServer,
  SchedulerFlag,
  ServerKey,
  VirtualServer,
} from './virtual-server.ts';

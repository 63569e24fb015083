/**
 * The nftables room: transactions as values, drivers that hand them to the kernel, the data plane of nftables mode, side
 * rules for data planes that balance by other means, and the interception of questions to the cluster's DNS.
 */
export { createNftablesDataPlane } from './data-plane.ts';
export type { NftablesOptions } from './data-plane.ts';
export { planeTable } from './plane-sets.ts';
export { createExecNftPort } from './driver-exec.ts';
export type { ExecNftOptions } from './driver-exec.ts';
export { openHeartbeat } from './driver-heartbeat.ts';
export { openNetlinkNftPort } from './driver-netlink.ts';
export type { NetlinkNftOptions } from './driver-netlink.ts';
export { createFakeNftPort } from './fake.ts';
export { countAsOwn, shareGenerations } from './generations.ts';
export type { OwnGenerations } from './generations.ts';
export { createInterceptRules, removeInterception } from './intercept-rules.ts';
export type { Heartbeat, InterceptRulesOptions } from './intercept-rules.ts';
export { parseTableNames } from './parse-table-names.ts';
export type { ApplyReport, NftPort, NftProblem, TableState } from './port.ts';
export { probeNftables } from './probe.ts';
export { createSideRules } from './side-rules.ts';
export { sideTable } from './side-sets.ts';
export { createTableStages } from './trace-stages.ts';

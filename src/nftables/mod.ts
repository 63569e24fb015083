/**
 * The nftables room: transactions as values, drivers that hand them to the kernel, and side rules for data planes that
 * balance by other means.
 */
export { createExecNftPort } from './driver-exec.ts';
export type { ExecNftOptions } from './driver-exec.ts';
export { openNetlinkNftPort } from './driver-netlink.ts';
export type { NetlinkNftOptions } from './driver-netlink.ts';
export type { ApplyReport, NftPort, NftProblem } from './port.ts';
export { createSideRules } from './side-rules.ts';

/**
 * The iptables data plane and the `iptables-restore` room: typed rules, a parser for `iptables-save`, a
 * writer for `iptables-restore --noflush`, drivers for both variants of the tools, rules as stages
 * of a packet's way, and a layout in which neither a packet's path nor a change grows with the number of Services.
 */
export { createIptablesDataPlane } from './data-plane.ts';
export type { IptablesOptions } from './data-plane.ts';
export { detectIptables } from './driver-detect.ts';
export type { Detection } from './driver-detect.ts';
export { createExecPort } from './driver-exec.ts';
export { createIpsetPort } from './driver-ipset.ts';
export { createShell } from './driver-shell.ts';
export type { Shell, ShellResult } from './driver-shell.ts';
export { allowLoopbackRouting, shouldDropInvalid } from './driver-sysctl.ts';
export { createFakeIptables } from './fake.ts';
export { createFakeSets } from './fake-sets.ts';
export type { RulesetState } from './operation.ts';
export { parseSave } from './parse.ts';
export type { IptablesPort } from './port.ts';
export type { SetPort } from './set-port.ts';
export type { Variant } from './tool-names.ts';
export { tableNames } from './rule.ts';
export type { TableName } from './rule.ts';
export { memoryName } from './trace-match.ts';
export { createRuleStages } from './trace-stages.ts';
export { listClientSets, parseSetMembers } from './trace-client-sets.ts';
export { toolNames } from './tool-names.ts';

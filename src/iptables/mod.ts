/**
 * The iptables data plane and the `iptables-restore` room: typed rules, a parser for `iptables-save`, a
 * writer for `iptables-restore --noflush`, drivers for both variants of the tools, a packet tracer, and a
 * layout in which neither a packet's path nor a change grows with the number of Services.
 */
export { createIptablesDataPlane } from './data-plane.ts';
export type { IptablesOptions } from './data-plane.ts';
export type { IptablesPort } from './port.ts';

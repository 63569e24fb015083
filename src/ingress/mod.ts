/**
 * Publishing Services to clients outside the cluster: which addresses they have, and who of the agents may say so.
 */
export { LeaseElector } from './lease-elector.ts';
export type { ElectorOptions, Term } from './lease-elector.ts';
export { defaultLeaseTimings } from './lease-state.ts';
export type { LeaseTimings } from './lease-state.ts';
export { createAddressPoolAgent } from './pool-agent.ts';
export type { AddressPoolAgent, AddressPoolOptions } from './pool-agent.ts';
export type { PoolUsage } from './pool-usage.ts';

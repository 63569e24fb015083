/** Environment variable: how many times slower than a machine of its own this one is. Set in the virtual machine. */
export const slowFactorVariable = 'WAYPOST_SLOW_FACTOR';

/** 1 on a machine as fast as ours. */
export const slowFactor: number = Math.max(1, Number(process.env[slowFactorVariable] ?? 1) || 1);

/** A limit of so many milliseconds, stretched where everything takes longer. Not for what a test waits out in vain. */
export function patient(ms: number): number {
  return ms * slowFactor;
}

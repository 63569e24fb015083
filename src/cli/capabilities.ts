import type { Problem } from '../model/mod.ts';

/** What the agent needs of linux/capability.h, and what for. */
const needed = [
  { name: 'CAP_NET_ADMIN', bit: 12n, fatal: true, use: 'no rule can be read or changed' },
  { name: 'CAP_NET_RAW', bit: 13n, fatal: false, use: 'the legacy variant of iptables cannot open its socket' },
] as const;

/** Which capabilities are missing, in the order of their weight. */
export interface MissingCapabilities {
  readonly fatal: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** Judges `CapEff` in the text of `/proc/self/status`. Without that line nothing is said to be missing. */
export function findMissingCapabilities(statusText: string): MissingCapabilities {
  const hex = /^CapEff:\s*([0-9a-f]+)$/im.exec(statusText)?.[1];
  const effective = hex === undefined ? null : BigInt(`0x${hex}`);
  const missing = needed.filter(({ bit }) => effective !== null && ((effective >> bit) & 1n) === 0n);
  const problems = missing.map(({ name, fatal, use }) => ({
    fatal,
    problem: {
      code: 'WP_CLI_CAPABILITY' as const,
      message:
        `the capability ${name} is missing: without it ${use}. ` +
        `Run as root, or add ${name.slice(4)} to securityContext.capabilities of the container`,
    },
  }));
  return {
    fatal: problems.filter(({ fatal }) => fatal).map(({ problem }) => problem),
    warnings: problems.filter(({ fatal }) => !fatal).map(({ problem }) => problem),
  };
}

import { kernelHasIpvs } from '../lab/capability.ts';
import type { Capability } from '../lab/capability.ts';
import { ranges } from '../lab/addressing.ts';
import { slowFactor } from '../lab/patience.ts';
import type { Variant } from '../packets/variant.ts';

const capability = await kernelHasIpvs();

/** IPVS mode with each of its two ways to the kernel. */
export const ipvsVariants: readonly Variant[] = (['netlink', 'exec'] as const).map((driver) => ({
  name: `ipvs-${driver}`,
  mode: 'ipvs',
  capability,
  // On by default in iptables mode only: here an operator has to ask for it.
  config: { iptables: { localhostNodePorts: true } },
  flags: [
    '--service-cidrs',
    `${ranges.services.IPv4},${ranges.services.IPv6}`,
    '--ipvs-driver',
    driver,
    '--nftables-driver',
    driver,
  ],
  crowd: 1000,
  unusedPort: 'refused',
  prepare: async () => {},
}));

/** The one with netlink, for suites that ask about behaviour and not about drivers. */
export function netlinkVariant(): Variant {
  const [variant] = ipvsVariants;
  if (variant === undefined) throw new RangeError('there is no variant of IPVS mode');
  return variant;
}

/** What takes minutes where each instruction is emulated, or leans on leases of two seconds, which mean little there. */
export const longRuns: Capability =
  slowFactor === 1 || process.env['WAYPOST_TEST_LONG'] === '1'
    ? capability
    : { ok: false, reason: 'software emulation is too slow for it; WAYPOST_TEST_LONG=1 runs it all the same' };

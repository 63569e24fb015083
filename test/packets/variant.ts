import type { ProxyMode } from '../../src/model/mod.ts';
import { ranges } from '../lab/addressing.ts';
import { canMakeNamespaces } from '../lab/mod.ts';
import type { Lab } from '../lab/mod.ts';
import type { Capability } from '../lab/capability.ts';

/** A way to run the agent, which every suite of packets is run in. */
export interface Variant {
  /** As it stands in test titles. */
  readonly name: string;
  readonly mode: ProxyMode;
  readonly capability: Capability;
  /** Fields of a KubeProxyConfiguration, over those of the lab. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Options of the command line, for what a KubeProxyConfiguration has no field for. */
  readonly flags: readonly string[];
  /** Brings a lab's node1 into the state in which the agent chooses this variant. */
  prepare(lab: Lab): Promise<void>;
  /** How many connections make a crowd: an emulated machine takes long over each. */
  readonly crowd: number;
  /** What a client meets at a port of a ClusterIP that no Service has (specification 3.4). */
  readonly unusedPort: 'refused' | 'timeout';
}

const namespaces = await canMakeNamespaces();

/** Both variants of the tools, chosen by the mark with which kubelet shows what a host uses. */
export const iptablesVariants: readonly Variant[] = (['nft', 'legacy'] as const).map((variant) => ({
  name: `iptables-${variant}`,
  mode: 'iptables',
  capability: namespaces,
  config: {},
  flags: [],
  crowd: 10_000,
  unusedPort: 'timeout',
  prepare: async (lab) => {
    for (const tool of ['iptables', 'ip6tables']) {
      // oxlint-disable-next-line no-await-in-loop -- both may want the same lock
      const { code, stderr } = await lab.node1.exec(`${tool}-${variant}`, ['-t', 'mangle', '-N', 'KUBE-KUBELET-CANARY']);
      if (code !== 0) throw new Error(`${tool}-${variant}: ${stderr}`);
    }
  },
}));

/** Nftables mode with each of its two ways to the kernel. */
export const nftablesVariants: readonly Variant[] = (['netlink', 'exec'] as const).map((driver) => ({
  name: `nftables-${driver}`,
  mode: 'nftables',
  capability: namespaces,
  config: {},
  flags: ['--service-cidrs', `${ranges.services.IPv4},${ranges.services.IPv6}`, '--nftables-driver', driver],
  crowd: 10_000,
  unusedPort: 'refused',
  prepare: async () => {},
}));

/** The one with netlink, for suites that ask about behaviour and not about drivers. */
export function nftablesVariant(): Variant {
  const [variant] = nftablesVariants;
  if (variant === undefined) throw new RangeError('there is no variant of nftables mode');
  return variant;
}

/** The fields of a KubeProxyConfiguration that choose a variant. */
export function configOf({ mode, config }: Variant): Readonly<Record<string, unknown>> {
  return { mode, ...config };
}

import type { EffectiveConfig, IngressSettings } from '../config/mod.ts';
import type { IpvsNotice } from '../ipvs/mod.ts';
import type { Holdings } from './watch-kernel.ts';
import type { DataPlane, Family, Outcome, Pause, Problem, ProxyMode } from '../model/mod.ts';
import type { OwnGenerations } from '../nftables/mod.ts';

/** Data planes with the helpers they run on. */
export interface DataPlanes {
  readonly planes: readonly DataPlane[];
  /** What was found out on the way, for the log. */
  readonly notes: Readonly<Record<string, string>>;
  /** The virtual servers that the planes have in use now (`TCP 10.96.0.1:443`); absent where they have none. */
  readonly adopted?: () => readonly string[];
  /** What others must not touch, where the kernel tells of it and of who it was; absent: it does not. */
  readonly holdings?: Holdings;
  /** Ends the helpers; rules stay. */
  close(): Promise<void>;
}

/** What data planes are made from, whichever the mode. */
export interface DataPlaneOptions {
  /** A mode other than that of `config` is made with the settings of `config` all the same. */
  readonly mode: ProxyMode;
  readonly config: Pick<EffectiveConfig, 'ipvs' | 'nftablesDriver' | 'serviceCidrs' | 'ingress'>;
  readonly families: readonly Family[];
  readonly pause: Pause;
  /** Shared with whoever else of ours changes rules of nf_tables; absent: nobody does. */
  readonly generations?: OwnGenerations;
  readonly degraded: (problem: Problem) => void;
  /** Told what was set on the node beside rules. */
  readonly observe?: (notice: IpvsNotice) => void;
}

/** What becomes of packets to published addresses that nobody takes. */
export function straysOf(ingress: IngressSettings | null): 'drop' | 'reject' {
  return ingress?.noEndpointsAction ?? 'drop';
}

/**
 * Makes the data planes of a mode, one for each family, each with helpers of its own so that one that hangs does not stop
 * the other. A mode that cannot be used is a failure; there is no other mode to fall back to.
 */
export async function makeDataPlanes(options: DataPlaneOptions): Promise<Outcome<DataPlanes>> {
  const { mode, config } = options;
  switch (mode) {
    case 'iptables':
      return (await import('./make-iptables-planes.ts')).makeIptablesPlanes({
        ...options,
        strays: config.ingress === null ? null : straysOf(config.ingress),
      });
    case 'ipvs':
      return (await import('./make-ipvs-planes.ts')).makeIpvsPlanes(options);
    case 'nftables':
      return (await import('./make-nftables-planes.ts')).makeNftablesPlanes(options);
    default:
      return mode satisfies never;
  }
}

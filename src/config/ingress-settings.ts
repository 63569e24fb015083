import { parsePrefix } from '../model/mod.ts';
import type { AddressCapture, AddressPool, DirectReturnMethod, Prefix } from '../model/mod.ts';
import { parseAddressRange } from './address-range.ts';
import type { Settings } from './fields.ts';
import { parsePrefixes } from './parse-prefixes.ts';

/**
 * What an operator chose for ingress. Three things it shares with the rest of the agent and are not here: how long back ends
 * drain (`ipvs.drainTime`), node ports on loopback (`iptables.localhostNodePorts`) and `iptables.masqueradeAll`.
 */
export interface IngressSettings {
  readonly loadBalancerClass: string;
  /** Null: load-balancer addresses may be anywhere. */
  readonly vipCidrs: readonly Prefix[] | null;
  /** Empty: no external address is published. */
  readonly externalIps: readonly Prefix[];
  readonly capture: AddressCapture;
  /** Unsigned, 32 bits; the bits of the mask need not be neighbours. `first` is a number that is spread over them. */
  readonly fwmark: { readonly mask: number; readonly first: number };
  readonly routeTable: number;
  readonly rulePriority: number;
  /** Null: no Service may ask for it. */
  readonly dsr: DirectReturnSettings | null;
  /** Null: drop at load-balancer addresses, reject at node ports. */
  readonly noEndpointsAction: 'drop' | 'reject' | null;
  /** Null: no Service may ask for it. Interfaces null: those of the address's network. */
  readonly announce: { readonly interfaces: readonly string[] | null } | null;
  /** Null: no back end is asked. */
  readonly healthChecks: { readonly folder: string; readonly concurrency: number } | null;
  /** Empty: no address is given to anybody. No address is in two of them. */
  readonly pools: readonly AddressPool[];
  readonly lease: { readonly namespace: string; readonly name: string; readonly durationMs: number };
  readonly limits: {
    readonly portsPerService: number;
    readonly rangesPerService: number;
    /** Null: none. */
    readonly marksPerNamespace: number | null;
  };
}

export interface DirectReturnSettings {
  readonly method: DirectReturnMethod;
  readonly guePort: number;
  readonly clampMss: boolean;
}

/** Derives what ingress works from; null where it is off. The settings are valid. */
export function deriveIngress(settings: Settings): IngressSettings | null {
  if (!settings['ingress.enabled']) return null;
  const vipCidrs = settings['ingress.vipCIDRs'];
  return {
    loadBalancerClass: settings['ingress.class'],
    vipCidrs: vipCidrs === null ? null : parsePrefixes(vipCidrs),
    externalIps: parsePrefixes(settings['ingress.externalIPs'] ?? []),
    capture: settings['ingress.capture'] === 'policy' ? 'policy' : 'local',
    fwmark: { mask: settings['ingress.fwmark.mask'], first: settings['ingress.fwmark.first'] },
    routeTable: settings['ingress.routeTable'],
    rulePriority: settings['ingress.rulePriority'],
    dsr: settings['ingress.dsr.enabled'] ? deriveDirectReturn(settings) : null,
    noEndpointsAction: actionOf(settings['ingress.noEndpointsAction']),
    announce: settings['ingress.announce.enabled'] ? { interfaces: settings['ingress.announce.interfaces'] } : null,
    healthChecks: settings['ingress.healthChecks.enabled']
      ? { folder: settings['ingress.healthChecks.folder'], concurrency: settings['ingress.healthChecks.concurrency'] }
      : null,
    pools: settings['ingress.pool'].map(({ name, addresses }) => ({
      name,
      addresses: addresses.map((text) => parsePrefix(text) ?? parseAddressRange(text)).filter((part) => part !== null),
      autoAssign: true,
    })),
    lease: {
      namespace: settings['ingress.leaseNamespace'],
      name: settings['ingress.leaseName'],
      durationMs: settings['ingress.leaseDuration'],
    },
    limits: {
      portsPerService: settings['ingress.limits.portsPerService'],
      rangesPerService: settings['ingress.limits.rangesPerService'],
      marksPerNamespace: settings['ingress.limits.marksPerNamespace'] || null,
    },
  };
}

function deriveDirectReturn(settings: Settings): DirectReturnSettings {
  const method = settings['ingress.dsr.method'];
  return {
    method: method === 'gue' || method === 'dr' ? method : 'ipip',
    guePort: settings['ingress.dsr.gue.port'],
    clampMss: settings['ingress.dsr.clampMSS'],
  };
}

function actionOf(text: string): IngressSettings['noEndpointsAction'] {
  return text === 'drop' || text === 'reject' ? text : null;
}

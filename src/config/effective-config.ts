import { familyOf, parseAddress } from '../model/mod.ts';
import type { Address, Family, NodeChoices, NodePortChoice, PodDetection, Prefix, ProxyMode } from '../model/mod.ts';
import { splitListenAddress } from './checks.ts';
import { effectiveGates, isGateOn } from './feature-gates.ts';
import type { GateName } from './feature-gates.ts';
import type { Settings } from './fields.ts';
import { deriveIngress } from './ingress-settings.ts';
import type { IngressSettings } from './ingress-settings.ts';
import { parsePrefixes } from './parse-prefixes.ts';
import { activeBlock } from './validate-settings.ts';

/** Where a server listens. An unspecified host stands for both families. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** A valid configuration as the agent works from it. */
export interface EffectiveConfig extends NodeChoices {
  /** Every field by path, defaults filled in. */
  readonly settings: Settings;
  readonly mode: ProxyMode;
  /** Folder of manifests instead of an API server, or null. */
  readonly manifests: string | null;
  /** Path of a kubeconfig file, or null. */
  readonly kubeconfig: string | null;
  /** URL of the API server, or null. */
  readonly master: string | null;
  /** As written, blanks included; null where the host name is to be used. */
  readonly hostnameOverride: string | null;
  readonly primaryFamily: Family;
  /** Milliseconds, from the block of the active mode. */
  readonly syncPeriod: number;
  readonly minSyncPeriod: number;
  /** Null where disabled. */
  readonly healthz: ListenAddress | null;
  readonly metrics: ListenAddress;
  readonly bindAddressHardFail: boolean;
  /** Every known feature gate and whether it is on. */
  readonly gates: Readonly<Record<GateName, boolean>>;
  readonly logFormat: 'text' | 'json';
  readonly verbosity: number;
  /** Ranges of ClusterIPs; empty: addresses one by one. */
  readonly serviceCidrs: readonly Prefix[];
  readonly ipvs: IpvsChoices;
  /** How nf_tables is spoken to, in whichever mode needs it. */
  readonly nftablesDriver: KernelDriver;
  readonly connectionMetrics: 'off' | 'service' | 'endpoint';
  /** From where the status page can be looked at. */
  readonly statusPage: 'loopback' | 'everywhere' | 'off';
  /** Null where the resolver is off. */
  readonly dns: DnsChoices | null;
  /** Null where ingress is off. */
  readonly ingress: IngressSettings | null;
}

/** Whether, where and for whom the resolver answers. */
export interface DnsChoices {
  /** Path of a file or folder; null: the shipped defaults. */
  readonly config: string | null;
  /** Without a dot at the end. */
  readonly clusterDomain: string;
  readonly addresses: readonly Address[];
  /** `namespace/name`; null: no Service. */
  readonly service: string | null;
  readonly interceptPort: number;
  readonly clients: readonly Prefix[];
  readonly threads: number;
  readonly udp: 'batch' | 'plain';
  readonly resolvConf: string;
}

/** Over netlink sockets, or by running the standard program. */
export type KernelDriver = 'netlink' | 'exec';

/** What concerns ipvs mode alone. */
export interface IpvsChoices {
  /** Name of a kernel scheduler. */
  readonly scheduler: string;
  /** Virtual servers in them are never touched. */
  readonly excludeCidrs: readonly Prefix[];
  readonly strictArp: boolean;
  /** Seconds; 0 where the operator gave none. */
  readonly timeouts: { readonly tcp: number; readonly tcpFin: number; readonly udp: number };
  /** Milliseconds. */
  readonly drainMs: number;
  /** Milliseconds. */
  readonly udpDrainMs: number;
  readonly echo: 'answer' | 'refuse';
  /** 0-31. */
  readonly captureBit: number;
  readonly driver: KernelDriver;
}

/** What flags and our own document add to the settings. */
export interface Extras {
  readonly manifests: string | null;
  readonly master: string | null;
}

/** Derives what the agent works from. The settings are valid (`validateSettings` found nothing). */
export function deriveConfig(settings: Settings, extras: Extras): EffectiveConfig {
  const block = activeBlock(settings.mode);
  // The ipvs block has neither: the reference takes both from the iptables block there (specification 9.3).
  const masqueradeBlock = block === 'nftables' ? 'nftables' : 'iptables';
  const bindAddress = parseAddress(settings.bindAddress);
  return {
    settings,
    mode: block,
    manifests: extras.manifests,
    kubeconfig: settings['clientConnection.kubeconfig'] || null,
    master: extras.master,
    hostnameOverride: settings.hostnameOverride || null,
    bindAddress: bindAddress === '0.0.0.0' || bindAddress === '::' ? null : bindAddress,
    primaryFamily: bindAddress === null ? 'IPv4' : familyOf(bindAddress),
    syncPeriod: settings[`${block}.syncPeriod`],
    minSyncPeriod: settings[`${block}.minSyncPeriod`],
    masqueradeAll: settings[`${masqueradeBlock}.masqueradeAll`],
    masqueradeBit: settings[`${masqueradeBlock}.masqueradeBit`],
    externalIps: isGateOn(settings.featureGates, 'AllowServiceExternalIPs'),
    gates: effectiveGates(settings.featureGates),
    podDetection: derivePodDetection(settings),
    nodePorts: deriveNodePorts(settings.nodePortAddresses),
    localhostNodePorts: settings['iptables.localhostNodePorts'],
    healthz: splitListenAddress(settings.healthzBindAddress),
    metrics: requireListenAddress(settings.metricsBindAddress),
    bindAddressHardFail: settings.bindAddressHardFail,
    logFormat: settings['logging.format'] === 'json' ? 'json' : 'text',
    verbosity: settings['logging.verbosity'],
    serviceCidrs: parsePrefixes(settings.serviceCIDRs ?? []),
    ipvs: deriveIpvs(settings),
    nftablesDriver: driverOf(settings['nftables.driver']),
    connectionMetrics: connectionMetricsOf(settings.connectionMetrics),
    statusPage: statusPageOf(settings.statusPage),
    dns: settings['dns.enabled'] ? deriveDns(settings) : null,
    ingress: deriveIngress(settings),
  };
}

/** The address that node-local resolvers have by convention. */
const nodeLocalAddress = '169.254.20.10';

function deriveDns(settings: Settings): DnsChoices {
  return {
    config: settings['dns.config'] || null,
    clusterDomain: settings['dns.clusterDomain'].replace(/\.$/, ''),
    addresses: (settings['dns.addresses'] ?? [nodeLocalAddress]).map(parseAddress).filter((address) => address !== null),
    service: settings['dns.service'] === 'none' ? null : settings['dns.service'],
    interceptPort: settings['dns.interceptPort'],
    clients: parsePrefixes(settings['dns.clients'] ?? []),
    threads: settings['dns.threads'],
    udp: settings['dns.udp'] === 'plain' ? 'plain' : 'batch',
    resolvConf: settings['dns.resolvConf'],
  };
}

function deriveIpvs(settings: Settings): IpvsChoices {
  // A fraction of a second that was asked for must not become 0, which stands for nothing.
  const seconds = (milliseconds: number): number => Math.ceil(milliseconds / 1000);
  return {
    scheduler: settings['ipvs.scheduler'] || 'rr',
    excludeCidrs: parsePrefixes(settings['ipvs.excludeCIDRs'] ?? []),
    strictArp: settings['ipvs.strictARP'],
    timeouts: {
      tcp: seconds(settings['ipvs.tcpTimeout']),
      tcpFin: seconds(settings['ipvs.tcpFinTimeout']),
      udp: seconds(settings['ipvs.udpTimeout']),
    },
    drainMs: settings['ipvs.drainTime'],
    udpDrainMs: settings['ipvs.udpDrainTime'],
    echo: settings['ipvs.echo'] === 'refuse' ? 'refuse' : 'answer',
    captureBit: settings['ipvs.captureBit'],
    driver: driverOf(settings['ipvs.driver']),
  };
}

function driverOf(text: string): KernelDriver {
  return text === 'exec' ? 'exec' : 'netlink';
}

function connectionMetricsOf(text: string): EffectiveConfig['connectionMetrics'] {
  return text === 'off' || text === 'endpoint' ? text : 'service';
}

function statusPageOf(text: string): EffectiveConfig['statusPage'] {
  return text === 'everywhere' || text === 'off' ? text : 'loopback';
}

function derivePodDetection(settings: Settings): PodDetection {
  switch (settings.detectLocalMode) {
    case 'NodeCIDR':
      return { kind: 'node-cidr' };
    case 'BridgeInterface':
      return { kind: 'interface', name: settings['detectLocal.bridgeInterface'] };
    case 'InterfaceNamePrefix':
      return { kind: 'interface-prefix', prefix: settings['detectLocal.interfaceNamePrefix'] };
    default:
      return {
        kind: 'cluster-cidr',
        prefixes: parsePrefixes(settings.clusterCIDR === '' ? [] : settings.clusterCIDR.split(',')),
      };
  }
}

function deriveNodePorts(addresses: readonly string[] | null): NodePortChoice {
  if (addresses === null || addresses.length === 0) return { kind: 'all' };
  return addresses[0] === 'primary' ? { kind: 'primary' } : { kind: 'prefixes', prefixes: parsePrefixes(addresses) };
}

function requireListenAddress(text: string): ListenAddress {
  const address = splitListenAddress(text);
  if (address === null) throw new TypeError(`not validated: ${text}`);
  return address;
}

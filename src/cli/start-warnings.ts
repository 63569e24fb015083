import type { EffectiveConfig } from '../config/mod.ts';
import { familyOf, parseAddress, parsePrefix } from '../model/mod.ts';
import type { Family, Problem } from '../model/mod.ts';

/** What the configuration leaves open or gets wrong in the families that run (specification 10.1); never fatal. */
export function findStartWarnings(config: EffectiveConfig, families: readonly Family[]): readonly Problem[] {
  return [...findOpenNodePorts(config, families), ...findMissingCidrs(config, families), ...findWrongFamilies(config)];
}

function findOpenNodePorts({ nodePorts }: EffectiveConfig, families: readonly Family[]): Problem[] {
  const code = 'WP_CLI_NODE_PORTS_OPEN';
  if (nodePorts.kind === 'all')
    return [{ code, message: 'nodePortAddresses is not set: every local address accepts node ports' }];
  if (nodePorts.kind === 'primary') return [];
  return families
    .filter((family) => !nodePorts.prefixes.some((prefix) => prefix.family === family))
    .map((family) => ({
      code,
      message: `nodePortAddresses has no ${family} CIDR: every local ${family} address accepts node ports`,
    }));
}

function findMissingCidrs({ podDetection }: EffectiveConfig, families: readonly Family[]): Problem[] {
  if (podDetection.kind !== 'cluster-cidr') return [];
  return families
    .filter((family) => !podDetection.prefixes.some((prefix) => prefix.family === family))
    .map((family) => ({
      code: 'WP_CLI_NO_CLUSTER_CIDR',
      message: `clusterCIDR has no ${family} CIDR: pods are not told from other clients in ${family}`,
    }));
}

/** What is given only for the family that is not the primary one is most likely a mistake. */
function findWrongFamilies(config: EffectiveConfig): Problem[] {
  const { primaryFamily, settings, mode, healthz, metrics } = config;
  const code = 'WP_CLI_WRONG_FAMILY';
  const why = `${primaryFamily} is the primary family (bindAddress decides)`;
  const cidrs = mode === 'ipvs' ? (settings['ipvs.excludeCIDRs'] ?? []).map(parsePrefix).filter((prefix) => prefix !== null) : [];
  const excludes = cidrs.length > 0 && !cidrs.some(({ family }) => family === primaryFamily);
  const hosts = [
    ['healthzBindAddress', healthz?.host ?? null],
    ['metricsBindAddress', metrics.host],
  ] as const;
  return [
    ...(excludes ? [{ code, message: `ipvs.excludeCIDRs has no ${primaryFamily} CIDR, but ${why}` } as const] : []),
    ...hosts
      .filter(([, host]) => host !== null && isOtherFamily(host, primaryFamily))
      .map(([field, host]) => ({ code, message: `${field} is ${String(host)}, but ${why}` }) as const),
  ];
}

/** An unspecified address stands for both families. */
function isOtherFamily(host: string, primary: Family): boolean {
  const address = parseAddress(host);
  return address !== null && address !== '0.0.0.0' && address !== '::' && familyOf(address) !== primary;
}

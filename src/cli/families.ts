import { readFile } from 'node:fs/promises';
import type { EffectiveConfig } from '../config/mod.ts';
import { fail, succeed } from '../model/mod.ts';
import type { Family, Outcome, Problem } from '../model/mod.ts';
import { findStartWarnings } from './start-warnings.ts';

/** The families to run, the primary one first, and what was said on the way. */
export interface FamilyChoice {
  readonly families: readonly Family[];
  readonly warnings: readonly Problem[];
}

/** Why the kernel has no usable IPv6, or null where it has (specification 1.6). */
export async function findIpv6Obstacle(): Promise<string | null> {
  const [interfaces, disabled] = await Promise.all([
    readOrEmpty('/proc/net/if_inet6'),
    readOrEmpty('/proc/sys/net/ipv6/conf/all/disable_ipv6'),
  ]);
  return judgeIpv6(interfaces, disabled);
}

/** The pure part of {@link findIpv6Obstacle}: the texts of the two files, empty where a file is missing. */
export function judgeIpv6(interfaces: string, disabled: string): string | null {
  if (disabled.trim() === '1') return 'net.ipv6.conf.all.disable_ipv6 is 1';
  return interfaces.trim() === '' ? '/proc/net/if_inet6 lists no interface' : null;
}

/**
 * Chooses the families to run. Fails with `WP_CLI_FAMILY` where the primary one has no support, or where
 * the only one has no cluster CIDR although one was given.
 */
export function chooseFamilies(config: EffectiveConfig, ipv6Obstacle: string | null): Outcome<FamilyChoice> {
  const { primaryFamily } = config;
  if (ipv6Obstacle === null) {
    const families: readonly Family[] = primaryFamily === 'IPv4' ? ['IPv4', 'IPv6'] : ['IPv6', 'IPv4'];
    return succeed({ families, warnings: findStartWarnings(config, families) });
  }
  if (primaryFamily === 'IPv6') {
    return fail('WP_CLI_FAMILY', `bindAddress makes IPv6 the primary family, but the kernel has no IPv6: ${ipv6Obstacle}`);
  }
  const { podDetection } = config;
  if (podDetection.kind === 'cluster-cidr' && podDetection.prefixes.length > 0 && !podDetection.prefixes.some(isIpv4)) {
    return fail('WP_CLI_FAMILY', `clusterCIDR has no IPv4 CIDR, but only IPv4 can run: ${ipv6Obstacle}`);
  }
  const warning: Problem = { code: 'WP_CLI_SINGLE_STACK', message: `running for IPv4 only: ${ipv6Obstacle}` };
  return succeed({ families: ['IPv4'], warnings: [warning, ...findStartWarnings(config, ['IPv4'])] });
}

function isIpv4({ family }: { readonly family: Family }): boolean {
  return family === 'IPv4';
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return '';
  }
}

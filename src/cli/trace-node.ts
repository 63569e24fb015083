import { createRuleStages, memoryName } from '../iptables/mod.ts';
import { createServerStages } from '../ipvs/mod.ts';
import { parseAddress } from '../model/mod.ts';
import type { Address, SentPacket } from '../model/mod.ts';
import { createTableStages } from '../nftables/mod.ts';
import { createRouting } from '../trace/mod.ts';
import type { NodeSysctls, TracedNode } from '../trace/mod.ts';
import type { KernelReading } from './driver-trace.ts';

/** What was read, put together as packets meet it. */
export function assembleNode(reading: KernelReading): TracedNode {
  const { routing, rulesets, tables, servers, sysctls } = reading;
  const { family } = routing;
  return {
    routing: createRouting(routing),
    stages: [
      ...rulesets.flatMap((ruleset) => createRuleStages(ruleset, family)),
      ...tables.flatMap((table) => createTableStages(table, family)),
      ...(servers.length === 0 ? [] : createServerStages(servers, family)),
    ],
    sysctls: family === 'IPv4' ? readIpv4(sysctls) : readIpv6(sysctls),
  };
}

function readIpv4(sysctls: KernelReading['sysctls']): NodeSysctls {
  const numberOf = (device: string, name: string): number => Number(sysctls.get(`net/ipv4/conf/${device}/${name}`) ?? 0);
  const most = (device: string, name: string): number => Math.max(numberOf('all', name), numberOf(device, name));
  return {
    forwarding: sysctls.get('net/ipv4/ip_forward')?.trim() !== '0',
    // Of these the greater value of the device and of `all` counts (networking/ip-sysctl).
    loopbackRouting: (device) => most(device, 'route_localnet') > 0,
    strictReversePath: (device) => most(device, 'rp_filter') === 1,
  };
}

function readIpv6(sysctls: KernelReading['sysctls']): NodeSysctls {
  return {
    forwarding: sysctls.get('net/ipv6/conf/all/forwarding')?.trim() !== '0',
    loopbackRouting: () => false,
    strictReversePath: () => false,
  };
}

/** What rules of iptables remember of a client. */
export function rememberedOf({ clientSets }: Pick<KernelReading, 'clientSets'>, client: Address): SentPacket['memory'] {
  const sets = [...clientSets].filter(([, members]) => [...members].some((member) => parseAddress(member) === client));
  return new Map(sets.map(([name]) => [memoryName(name), true]));
}

/** Base chains whose hook or policy is none of those that are followed, in words. */
export function listUnfollowed({ tables }: Pick<KernelReading, 'tables'>): readonly string[] {
  return tables.flatMap(({ family, name, chains }) =>
    [...chains].flatMap(([chain, { chain: definition }]) =>
      definition === null ? [`chain ${chain} of table ${family} ${name} (nftables)`] : [],
    ),
  );
}

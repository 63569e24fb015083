import { readFile } from 'node:fs/promises';
import { createShell } from '../iptables/mod.ts';
import { readProcServers } from '../ipvs/mod.ts';
import { familyOf, formatEndpoint, succeed, unknownTraffic } from '../model/mod.ts';
import type { Address, DatagramTarget, Family, Outcome, ServerConnections } from '../model/mod.ts';
import { createConntrackPort } from '../netlink/mod.ts';
import { retire } from './clean-servers.ts';
import type { RetireOptions, TakenOver } from './clean-servers.ts';
import { readProxyAddresses } from './driver-predecessors.ts';

export interface RetireProxyOptions extends Pick<RetireOptions, 'clock' | 'report' | 'signal' | 'drainMs'> {
  readonly remove: () => Promise<void>;
}

/**
 * Leaves kube-proxy's virtual servers in place for the connections that they carry: without its server a connection is reset
 * at once (net.ipv4.vs.expire_nodest_conn), and without the interface its packets have no way. New connections are
 * translated before IPVS sees them, so these only become fewer.
 */
export async function retireProxyServers(taken: TakenOver, { remove, ...options }: RetireProxyOptions): Promise<void> {
  const shell = createShell();
  const addresses = new Set(await readProxyAddresses(shell));
  await shell.close();
  const servers = async (): Promise<Outcome<readonly ProxyServer[]>> =>
    readServers(await readOrEmpty('/proc/net/ip_vs'), addresses, taken.family);
  const listed = await servers();
  const done = await retire(
    {
      stepAside: async () => (listed.ok ? succeed(listed.value.flatMap(datagramTarget)) : listed),
      connections: servers,
      cleanup: async () => {
        await remove();
        return succeed([]);
      },
    },
    taken,
    { ...options, conntrack: createConntrackPort({ pause: () => null }), readFlows: () => readOrEmpty('/proc/net/ip_vs_conn') },
  );
  if (!done.ok) options.report(done.problem);
}

interface ProxyServer extends ServerConnections {
  readonly target: DatagramTarget | null;
}

/** The servers of a family on these addresses, by what `/proc/net/ip_vs` says. */
export function readServers(text: string, addresses: ReadonlySet<Address>, family: Family): Outcome<readonly ProxyServer[]> {
  const listed = readProcServers(text);
  if (!listed.ok) return listed;
  return succeed(
    listed.value.flatMap(({ key, destinations }) => {
      if (key.kind !== 'address' || familyOf(key.address) !== family || !addresses.has(key.address)) return [];
      const { protocol, address, port } = key;
      return [
        {
          server: `${protocol} ${formatEndpoint(address, port)}`,
          service: 'kube-proxy',
          target: protocol === 'UDP' ? { address, port } : null,
          destinations: destinations.map((one) => ({
            endpoint: formatEndpoint(one.address, one.port),
            weight: one.weight,
            active: one.active,
            inactive: one.inactive,
            persistent: 0,
            ...unknownTraffic,
            draining: true,
          })),
        },
      ];
    }),
  );
}

function datagramTarget({ target }: ProxyServer): readonly DatagramTarget[] {
  return target === null ? [] : [target];
}

async function readOrEmpty(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch(() => '');
}

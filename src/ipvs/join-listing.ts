import { unknownTraffic } from '../model/mod.ts';
import type { ListedNumbers } from './parse-list.ts';
import type { IpvsOperation } from './port.ts';
import { destinationKeyText, serverKeyText } from './virtual-server.ts';
import type { ListedDestination, ListedServer, VirtualServer } from './virtual-server.ts';

/**
 * Servers from the lines of `ipvsadm --save -n`, with what those leave out from two listings: `--thresholds` and
 * `--persistent-conn`. The three are not of one moment: what a listing lacks counts as 0. What
 * passed is in none of them.
 */
export function joinListing(
  saved: readonly IpvsOperation[],
  thresholds: ListedNumbers,
  connections: ListedNumbers,
): readonly ListedServer[] {
  const servers = new Map<string, VirtualServer & { readonly destinations: ListedDestination[] }>();
  for (const operation of saved) {
    if (operation.verb === 'add-server') {
      servers.set(serverKeyText(operation.server.key), { ...operation.server, destinations: [] });
    } else if (operation.verb === 'add-destination') {
      const server = serverKeyText(operation.key);
      const destination = destinationKeyText(operation.destination);
      const [upperThreshold = 0, lowerThreshold = 0] = thresholds.get(server)?.get(destination) ?? [];
      const [, persistent = 0, active = 0, inactive = 0] = connections.get(server)?.get(destination) ?? [];
      const counters = { active, inactive, persistent, ...unknownTraffic };
      servers.get(server)?.destinations.push({ ...operation.destination, upperThreshold, lowerThreshold, counters });
    }
  }
  return [...servers.values()];
}

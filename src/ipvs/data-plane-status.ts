import { succeed } from '../model/mod.ts';
import type { Outcome, ServerConnections, ServerStatistics } from '../model/mod.ts';
import type { Kernel } from './data-plane-kernel.ts';
import { noService } from './settings.ts';
import type { IpvsOptions } from './settings.ts';
import { destinationKeyText, serverKeyText } from './virtual-server.ts';

/** Every virtual server of the family with its counts, read from the kernel; our memory says whose it is. */
export async function readConnections(kernel: Kernel, { servers }: IpvsOptions): Promise<Outcome<readonly ServerConnections[]>> {
  const listed = await servers.list();
  if (!listed.ok) return listed;
  return succeed(
    listed.value.map((server) => {
      const text = serverKeyText(server.key);
      const known = kernel.servers.get(text);
      return {
        server: text,
        service: known?.owner === 'own' ? (known.service ?? noService) : null,
        destinations: server.destinations.map((destination) => {
          const endpoint = destinationKeyText(destination);
          const draining = (known?.destinations.get(endpoint)?.drain ?? null) !== null;
          return { endpoint, weight: destination.weight, draining, ...destination.counters };
        }),
      };
    }),
  );
}

/** What is known without asking the kernel. `now` is in milliseconds since 1970. */
export function summarise({ servers, errors }: Kernel, resyncChanges: number, now: number): ServerStatistics {
  let own = 0;
  let foreign = 0;
  let destinations = 0;
  for (const [, server] of servers.all()) {
    if (server.owner === 'own') {
      own += 1;
      destinations += server.destinations.size;
    } else foreign += 1;
  }
  let draining = 0;
  let oldest = now;
  for (const text of servers.draining()) {
    for (const { drain } of servers.get(text)?.destinations.values() ?? []) {
      if (drain === null) continue;
      draining += 1;
      oldest = Math.min(oldest, drain.since);
    }
  }
  return {
    servers: { own, foreign },
    destinations,
    draining,
    oldestDrainSeconds: (now - oldest) / 1000,
    resyncChanges,
    errors: new Map(errors),
  };
}

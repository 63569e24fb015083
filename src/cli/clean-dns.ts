import { createListenRoutes } from '../dns/mod.ts';
import { succeed } from '../model/mod.ts';
import type { Family, Outcome, Problem } from '../model/mod.ts';
import { createRouteTool, openRoutePort } from '../netlink/mod.ts';
import type { RoutePort } from '../netlink/mod.ts';
import { createExecNftPort, openNetlinkNftPort, removeInterception } from '../nftables/mod.ts';
import type { NftPort } from '../nftables/mod.ts';

/** What was removed, and what may be left. */
export interface CleanedDns {
  readonly removed: readonly string[];
  readonly problems: readonly Problem[];
}

const pause = (): null => null;

/**
 * Removes what an agent that answers DNS leaves in this network namespace: the table that takes questions to it, where the
 * kernel did not take that away with the agent, and the routes that make its addresses local.
 */
export async function cleanDns(families: readonly Family[]): Promise<CleanedDns> {
  const netlink = await openNetlinkNftPort({ pause });
  // Where no system calls can be made, the tools do.
  const filter = netlink.ok ? netlink.value : createExecNftPort();
  const table = await cleanTable(filter);
  await filter.close();
  // An agent that runs would answer at addresses that nobody reaches.
  if (!table.ok && table.problem.code === 'WP_NFT_DENIED') return { removed: [], problems: [table.problem] };
  const parts = [table];
  for (const family of families) {
    const opened = await openRoutePort({ family, pause });
    const routes = opened.ok ? opened.value : createRouteTool({ family });
    parts.push(await cleanRoutes(routes));
    routes.close();
  }
  return {
    removed: parts.flatMap((part) => (part.ok ? part.value : [])),
    problems: parts.flatMap((part) => (part.ok ? [] : [part.problem])),
  };
}

async function cleanTable(port: NftPort): Promise<Outcome<readonly string[]>> {
  const removed = await removeInterception(port);
  if (removed.ok) return succeed(removed.value ? ['table inet waypost_dns'] : []);
  const { code, message } = removed.problem;
  // A kernel or a machine without the tool has no such table.
  if (code === 'WP_NFT_NO_KERNEL' || code === 'WP_NFT_TOOL') return succeed([]);
  const why =
    code === 'WP_NFT_DENIED' ? 'the table inet waypost_dns belongs to an agent that is running: stop it first' : message;
  return { ok: false, problem: { ...removed.problem, message: why } };
}

async function cleanRoutes(port: RoutePort): Promise<Outcome<readonly string[]>> {
  const cleared = await createListenRoutes(port).clear();
  return cleared.ok ? succeed(cleared.value.map((address) => `local route ${address}`)) : cleared;
}

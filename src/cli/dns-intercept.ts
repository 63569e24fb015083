import { createInterceptKeeper, createListenRoutes } from '../dns/mod.ts';
import type { InterceptKeeper, ListenRoutes } from '../dns/mod.ts';
import type { Address, Clock, Family, InterceptWish, Pause, Problem } from '../model/mod.ts';
import { openRoutePort } from '../netlink/mod.ts';
import { countAsOwn, createInterceptRules, openHeartbeat, openNetlinkNftPort } from '../nftables/mod.ts';
import type { OwnGenerations } from '../nftables/mod.ts';

export interface InterceptionOptions {
  readonly families: readonly Family[];
  readonly pause: Pause;
  /** Shared with the data planes. */
  readonly generations: OwnGenerations;
  readonly clock: Clock;
  readonly report: (problem: Problem) => void;
}

/** What takes questions of this node to the resolver: local routes, and a table of the packet filter. */
export interface Interception {
  /** Makes addresses local to the node. */
  route(addresses: readonly Address[], sources: Readonly<Record<Family, Address | null>>): Promise<void>;
  /** Null: everybody goes the ordinary way. */
  want(wish: InterceptWish | null): void;
  /** Takes no more questions; what was asked before is still answered. */
  release(): Promise<void>;
  close(): Promise<void>;
}

/** What cannot be opened is told, and the rest works without it: listening on addresses that the node has needs neither. */
export async function openInterception(options: InterceptionOptions): Promise<Interception> {
  const routes = await openRoutes(options);
  const opened = await openRules(options);
  let wanted = '';
  return {
    async route(addresses, sources) {
      for (const { family, routes: table } of routes) {
        const own = addresses.filter((address) => address.includes(':') === (family === 'IPv6'));
        const set = await table.set(own, sources[family]);
        if (!set.ok) options.report(set.problem);
      }
    },
    want(wish) {
      const text = JSON.stringify(wish);
      if (text === wanted) return;
      wanted = text;
      void opened?.keeper.want(wish);
    },
    async release() {
      await opened?.keeper.release();
    },
    async close() {
      await opened?.close();
      await Promise.all(routes.map((one) => one.close()));
    },
  };
}

interface OpenRoutes {
  readonly family: Family;
  readonly routes: ListenRoutes;
  readonly close: () => Promise<void>;
}

async function openRoutes({ families, pause, report }: InterceptionOptions): Promise<readonly OpenRoutes[]> {
  const found: OpenRoutes[] = [];
  for (const family of families) {
    const port = await openRoutePort({ family, pause });
    if (port.ok) found.push({ family, routes: createListenRoutes(port.value), close: async () => await port.value.close() });
    else report(port.problem);
  }
  return found;
}

async function openRules({
  pause,
  generations,
  clock,
  report,
}: InterceptionOptions): Promise<{ readonly keeper: InterceptKeeper; readonly close: () => Promise<void> } | null> {
  // A port of its own: the kernel takes the table away when this port is closed, however that comes about.
  const port = await openNetlinkNftPort({ pause });
  if (!port.ok) {
    report(port.problem);
    return null;
  }
  const heartbeat = await openHeartbeat();
  if (!heartbeat.ok) {
    report(heartbeat.problem);
    await port.value.close();
    return null;
  }
  const rules = createInterceptRules({ port: countAsOwn(port.value, generations), heartbeat: heartbeat.value });
  const keeper = createInterceptKeeper({
    rules,
    clock,
    onChange: (state) => {
      if (state.kind === 'failed') report(state.problem);
    },
  });
  const close = async (): Promise<void> => {
    await keeper.close();
    await port.value.close();
  };
  return { keeper, close };
}

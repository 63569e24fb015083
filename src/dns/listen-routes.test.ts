import { describe, expect, test } from 'vitest';
import { hostPrefix, parseAddress, parsePrefix } from '../model/mod.ts';
import type { Address, Prefix } from '../model/mod.ts';
import { createFakeRoutes } from '../netlink/mod.ts';
import type { FakeRoutes, Route } from '../netlink/mod.ts';
import { createListenRoutes } from './listen-routes.ts';

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === null) throw new TypeError(`not an address: ${text}`);
  return parsed;
}

function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (parsed === null) throw new TypeError(`not a prefix: ${text}`);
  return parsed;
}

const [cluster, local, node, moved] = ['10.96.0.10', '169.254.20.10', '192.0.2.11', '192.0.2.12'].map(address) as [
  Address,
  Address,
  Address,
  Address,
];

function routeTo(destination: Prefix, changes: Partial<Route> = {}): Route {
  return { destination, table: 255, type: 'local', device: 'lo', source: null, gateway: null, protocol: 88, ...changes };
}

function makeRoutes(): FakeRoutes {
  const routes = createFakeRoutes('IPv4');
  routes.addDevice('eth0');
  for (const one of [node, moved]) routes.addAddress({ address: one, device: 'eth0', length: 24, scope: 0 });
  return routes;
}

async function ours(routes: FakeRoutes): Promise<readonly (readonly [string, string | null])[]> {
  const listed = await routes.listRoutes(255);
  if (!listed.ok) throw new Error(listed.problem.message);
  return listed.value
    .filter(({ protocol }) => protocol === 88)
    .map(({ destination, source }) => [destination.address, source] as const)
    .toSorted();
}

describe('[DNS-123] the addresses to listen on', () => {
  test('become local, follow the address of the node, and go', async () => {
    const routes = makeRoutes();
    const listen = createListenRoutes(routes);
    expect(await listen.set([cluster, local, cluster], node)).toEqual({ ok: true, value: undefined });
    expect(await ours(routes)).toEqual([
      [cluster, node],
      [local, node],
    ]);
    await listen.set([cluster, local], moved);
    expect(await ours(routes)).toEqual([
      [cluster, moved],
      [local, moved],
    ]);
    await listen.set([local], moved);
    expect(await ours(routes)).toEqual([[local, moved]]);
    await listen.set([local], null);
    expect(await ours(routes)).toEqual([[local, null]]);
    expect(await listen.clear()).toEqual({ ok: true, value: [local] });
    expect(await ours(routes)).toEqual([]);
  });

  test('that others made local are left to them, and their routes stay', async () => {
    const routes = makeRoutes();
    const range = routeTo(prefix('10.96.0.0/16'), { protocol: 87, source: node });
    const same = routeTo(hostPrefix(local), { protocol: 3 });
    await routes.changeRoutes([range, same], []);
    const listen = createListenRoutes(routes);
    expect((await listen.set([cluster, local], node)).ok).toBe(true);
    expect(await ours(routes)).toEqual([]);
    // When they go, ours are missed at the next look.
    await routes.changeRoutes([], [range]);
    expect((await listen.set([cluster, local], node)).ok).toBe(true);
    expect(await ours(routes)).toEqual([[cluster, node]]);
    await listen.clear();
    const left = await routes.listRoutes(255);
    expect(left.ok && left.value.some(({ protocol }) => protocol === 3)).toBe(true);
  });

  test('a failure is told', async () => {
    const routes = makeRoutes();
    routes.problem = { code: 'WP_NETLINK_SOCKET', message: 'no' };
    expect(await createListenRoutes(routes).set([cluster], node)).toMatchObject({
      ok: false,
      problem: { code: 'WP_NETLINK_SOCKET' },
    });
  });
});

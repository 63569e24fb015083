import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatPrefix, parseAddress, succeed } from '../model/mod.ts';
import type { Address, Outcome } from '../model/mod.ts';
import { createFakeNeighbours, createFakeRoutes } from '../netlink/mod.ts';
import type { FakeNeighbours, FakeRoutes } from '../netlink/mod.ts';
import { createAnnounceKernel } from './announce-kernel.ts';
import type { AnnounceKernel, AnnounceReport } from './announce-kernel.ts';

const at = (text: string): Address => parseAddress(text) as Address;
const hardware = Uint8Array.of(2, 0, 0, 0, 0, 1);
const addresses = ['192.0.2.50', '192.0.2.51', '198.51.100.7', '203.0.113.9'].map(at);

interface Bench {
  readonly kernel: AnnounceKernel;
  readonly routes: FakeRoutes;
  readonly neighbours: FakeNeighbours;
  readonly parameters: Map<string, string>;
  readonly frames: { readonly index: number; readonly length: number }[];
  dump(): Promise<readonly string[]>;
}

/** eth0 on 192.0.2.0/24, eth1 on 198.51.100.0/24 and with a link-local address; eth2 has none; eth3 is down. */
function createBench(family: 'IPv4' | 'IPv6', devices: readonly string[] = []): Bench {
  const routes = createFakeRoutes(family);
  const neighbours = createFakeNeighbours(family);
  const parameters = new Map<string, string>();
  const version = family === 'IPv4' ? 'ipv4' : 'ipv6';
  for (const [place, name] of ['lo', 'eth0', 'eth1', 'eth2', 'eth3'].entries()) {
    const isLoopback = name === 'lo';
    if (!isLoopback) routes.addDevice(name);
    neighbours.setInterface({ index: place + 1, name, hardware: isLoopback ? null : hardware, running: name !== 'eth3' });
    parameters.set(`net/${version}/neigh/${name}/proxy_delay`, '80');
    parameters.set(`net/${version}/conf/${name}/forwarding`, '1');
  }
  for (const name of ['all', 'default']) parameters.set(`net/ipv6/conf/${name}/proxy_ndp`, '0');
  const own =
    family === 'IPv4'
      ? ([
          ['192.0.2.1', 24],
          ['198.51.100.1', 24],
        ] as const)
      : ([
          ['fd00::1', 64],
          ['fd01::1', 64],
        ] as const);
  for (const [place, [address, length]] of own.entries()) {
    routes.addAddress({ address: at(address), device: `eth${place}`, length, scope: 0 });
  }
  if (family === 'IPv6') routes.addAddress({ address: at('fe80::1'), device: 'eth0', length: 64, scope: 253 });
  const frames: { index: number; length: number }[] = [];
  const kernel = createAnnounceKernel({
    routes,
    neighbours,
    frames: {
      send(index, frame) {
        frames.push({ index, length: frame.length });
        return succeed(undefined);
      },
    },
    parameters: {
      read: async (path) => parameters.get(path) ?? null,
      async write(path, value) {
        parameters.set(path, value);
        return succeed(undefined);
      },
    },
    devices,
  });
  const dump = async (): Promise<readonly string[]> => {
    const proxies = unwrap(await neighbours.listProxies()).map(
      ({ address, index, protocol }) => `proxy ${address} ${index} ${protocol}`,
    );
    const listed = unwrap(await routes.listRoutes(254)).map(
      (route) => `route ${formatPrefix(route.destination)} ${route.source} ${route.protocol}`,
    );
    const changed = [...parameters].filter(
      ([path, text]) => !path.endsWith('forwarding') && text !== (path.includes('neigh') ? '80' : '0'),
    );
    return [...proxies, ...listed, ...changed.map(([path, text]) => `${path} ${text}`)].toSorted();
  };
  return { kernel, routes, neighbours, parameters, frames, dump };
}

function unwrap<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(outcome.problem.message);
  return outcome.value;
}

const apply = async (kernel: AnnounceKernel, owned: readonly Address[], kept: readonly Address[] = []): Promise<AnnounceReport> =>
  unwrap(await kernel.apply(owned, kept));

test('IPv4: entry, route and an answer at once, on the interface of the network [INGRESS-49]', async () => {
  const { kernel, dump, frames } = createBench('IPv4');
  const { places, refused, problems } = await apply(kernel, [at('192.0.2.50'), at('203.0.113.9')]);
  expect(await dump()).toEqual([
    'net/ipv4/neigh/eth0/proxy_delay 0',
    'proxy 192.0.2.50 2 87',
    'route 192.0.2.50/32 192.0.2.1 87',
  ]);
  expect([...refused.values()]).toMatchObject([{ code: 'WP_INGRESS_ANNOUNCE_INTERFACE' }]);
  expect(problems).toEqual([]);
  for (const place of places) kernel.greet(place);
  expect(frames).toEqual([
    { index: 2, length: 60 },
    { index: 2, length: 60 },
  ]);
});

test('IPv6: no route, one parameter for all interfaces, advertisements from the link-local address [INGRESS-49]', async () => {
  const { kernel, dump } = createBench('IPv6');
  const { places } = await apply(kernel, [at('fd00::50')]);
  expect(await dump()).toEqual(['net/ipv6/conf/all/proxy_ndp 1', 'net/ipv6/neigh/eth0/proxy_delay 0', 'proxy fd00::50 2 87']);
  expect(places).toMatchObject([{ device: 'eth0', greetFrom: 'fe80::1' }]);
});

test('interfaces of the configuration serve what is in the network of none, as far as they are up', async () => {
  const { kernel } = createBench('IPv4', ['eth2', 'eth3', 'eth9']);
  const { places } = await apply(kernel, [at('203.0.113.9'), at('198.51.100.7')]);
  expect(places.map(({ address, device }) => `${address} ${device}`)).toEqual(['203.0.113.9 eth2', '198.51.100.7 eth1']);
  expect(unwrap(await kernel.survey()).networks.map(formatPrefix)).toEqual(['192.0.2.0/24', '198.51.100.0/24', '0.0.0.0/0']);
  expect(unwrap(await createBench('IPv4').kernel.survey()).networks.map(formatPrefix)).toEqual([
    '192.0.2.0/24',
    '198.51.100.0/24',
  ]);
});

test('any way leads to what a fresh start gives, and nothing is left at the end [INGRESS-54]', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.subarray(addresses), { maxLength: 6 }), async (walk) => {
      const [walked, fresh] = [createBench('IPv4', ['eth2']), createBench('IPv4', ['eth2'])];
      for (const owned of walk) await apply(walked.kernel, owned);
      await apply(fresh.kernel, walk.at(-1) ?? []);
      expect(await walked.dump()).toEqual(await fresh.dump());
      expect(unwrap(await walked.kernel.survey()).adopts).toBe((walk.at(-1) ?? []).length > 0);
      await apply(walked.kernel, []);
      expect(await walked.dump()).toEqual([]);
    }),
  );
});

test('what is kept stays as it is: there if it was there', async () => {
  const { kernel, dump } = createBench('IPv4');
  await apply(kernel, [at('192.0.2.50')]);
  const before = await dump();
  await apply(kernel, [], [at('192.0.2.50'), at('192.0.2.51')]);
  expect(await dump()).toEqual(before);
});

test("others' entries, addresses of the node and routes are left alone [INGRESS-54]", async () => {
  const { kernel, dump, neighbours, routes, parameters } = createBench('IPv4');
  await neighbours.changeProxies([{ address: at('192.0.2.50'), index: 2, protocol: 0 }], []);
  routes.addAddress({ address: at('192.0.2.51'), device: 'eth0', length: 24, scope: 0 });
  const before = await dump();
  const { refused, places } = await apply(kernel, [at('192.0.2.50'), at('192.0.2.51')]);
  expect([...refused].map(([address, { code }]) => [address, code])).toEqual([
    ['192.0.2.50', 'WP_INGRESS_ANNOUNCE_FOREIGN'],
    ['192.0.2.51', 'WP_INGRESS_ANNOUNCE_LOCAL'],
  ]);
  expect(places).toEqual([]);
  expect(await dump()).toEqual(before);
  await apply(kernel, [at('192.0.2.60')]);
  await apply(kernel, []);
  // Somebody else is at home on the interface: its parameter is not turned back.
  expect(parameters.get('net/ipv4/neigh/eth0/proxy_delay')).toBe('0');
});

test('a node that does not forward is told of, and what can be done is done', async () => {
  const { kernel, dump, parameters } = createBench('IPv4');
  parameters.set('net/ipv4/conf/eth0/forwarding', '0');
  const { problems } = await apply(kernel, [at('192.0.2.50')]);
  expect(problems).toMatchObject([{ code: 'WP_INGRESS_ANNOUNCE_FORWARDING' }]);
  expect(await dump()).toContain('proxy 192.0.2.50 2 87');
});

test('an interface that went down is no place, and its entries come back with it', async () => {
  const { kernel, dump, neighbours } = createBench('IPv4');
  await apply(kernel, [at('192.0.2.50')]);
  const before = await dump();
  neighbours.takeDown(2);
  expect((await apply(kernel, [at('192.0.2.50')])).refused.size).toBe(1);
  neighbours.setInterface({ index: 2, name: 'eth0', hardware, running: true });
  await apply(kernel, [at('192.0.2.50')]);
  expect(await dump()).toEqual(before);
});

test('a kernel that does not answer changes nothing', async () => {
  const { kernel, neighbours, routes, dump } = createBench('IPv4');
  neighbours.problem = { code: 'WP_NETLINK_SOCKET', message: 'no' };
  expect(await kernel.apply([at('192.0.2.50')], [])).toMatchObject({ ok: false });
  neighbours.problem = null;
  routes.problem = { code: 'WP_NETLINK_SOCKET', message: 'no' };
  expect(await kernel.survey()).toMatchObject({ ok: false });
  routes.problem = null;
  expect(await dump()).toEqual([]);
});

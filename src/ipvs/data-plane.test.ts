import { describe, expect, test } from 'vitest';
import { families, sideKey } from '../model/mod.ts';
import { applyFrontends, applyShapes, createNode, dumpNode, startWorld } from './data-plane.fixture.ts';
import type { World } from './data-plane.fixture.ts';
import { addressOf, clusterIp, frontendsOf, plainShape, podAddress, prefixOf, settingsOf } from './wish.fixture.ts';

const done = { problem: null, failed: new Map() };

/** The verbs that reached the kernel since the last call. */
function takeVerbs({ servers }: World, from = 0): string[] {
  return servers.operations.slice(from).map(({ verb }) => verb);
}

async function listServers({ servers }: World): Promise<readonly string[]> {
  const listed = await servers.list();
  if (!listed.ok) throw new Error(listed.problem.message);
  return listed.value.map(({ key }) =>
    key.kind === 'mark' ? `mark ${key.family}` : `${key.protocol} ${key.address} ${key.port}`,
  );
}

describe.each(families)('the data plane on a fake kernel, %s', (family) => {
  const shape = { ...plainShape, nodePort: 30_001, external: true, backends: [1, 2, 3] };

  test('a Service becomes servers, decisions and routes, and a second look finds nothing to do', async () => {
    const world = startWorld(family);
    expect(await world.plane.read()).toMatchObject({ ok: true });
    expect(await applyShapes(world, [shape], true)).toMatchObject(done);
    expect((await listServers(world)).toSorted()).toEqual(
      [`TCP ${clusterIp(1, family)} 80`, `TCP ${externalOf(family)} 80`, `mark ${family}`].toSorted(),
    );
    const before = await dumpNode(world);
    expect(await world.plane.audit()).toMatchObject({ ...done, operations: 0 });
    expect(await applyShapes(world, [shape], true)).toMatchObject({ ...done, operations: 0 });
    expect(await dumpNode(world)).toBe(before);
    expect(world.degraded).toEqual([]);
  });

  test('[IPVS-35] the route of a service range follows the address of the node in place', async () => {
    const world = startWorld(family);
    await applyShapes(world, [shape], true);
    const next = addressOf(family === 'IPv4' ? '192.0.2.12' : '2001:db8:1::12');
    world.routes.addAddress({ address: next, device: 'eth0', length: family === 'IPv4' ? 24 : 64, scope: 0 });
    const settings = { ...settingsOf(family), nodeAddress: next };
    expect(await world.plane.apply({ settings, services: new Map(), complete: false })).toMatchObject({ ...done, operations: 1 });
    const routes = await world.routes.listRoutes(255);
    const ours = routes.ok ? routes.value.filter(({ protocol }) => protocol === 87) : [];
    expect(ours.map(({ source, type, device }) => [source, type, device])).toEqual([[next, 'local', 'lo']]);
  });

  test('[IPVS-38] the table of captured addresses holds those and nothing else', async () => {
    const world = startWorld(family);
    await applyShapes(world, [shape, { ...shape, name: 'other', number: 2, nodePort: 30_002 }], true);
    const captured = await world.routes.listRoutes(0x5757);
    const bits = family === 'IPv4' ? 32 : 128;
    expect(captured.ok && captured.value.map(({ destination, type }) => [destination.length, type])).toEqual([
      [bits, 'local'],
      [bits, 'local'],
    ]);
    await applyFrontends(world, { 'ns/web': [], 'ns/other': [] });
    await world.clock.turn(2000);
    expect(await world.routes.listRoutes(0x5757)).toMatchObject({ value: [] });
    const rules = await world.routes.listRules();
    expect(rules.ok && rules.value.filter(({ protocol }) => protocol === 87)).toEqual([]);
  });

  test('[IPVS-39] a node port has one server, whatever addresses the node has or gets', async () => {
    const world = startWorld(family);
    await applyShapes(world, [{ ...plainShape, nodePort: 30_001 }], true);
    const before = await listServers(world);
    expect(before).toHaveLength(2);
    world.routes.addAddress({ address: podAddress(999, family), device: 'eth0', length: 24, scope: 0 });
    expect(await world.plane.audit()).toMatchObject({ ...done, operations: 0 });
    expect(await listServers(world)).toEqual(before);
  });

  test('a load-balancer address that is the node’s own is neither captured nor protected', async () => {
    const world = startWorld(family);
    world.routes.addAddress({ address: externalOf(family), device: 'eth0', length: 32, scope: 0 });
    await applyShapes(world, [shape], true);
    expect([...world.side.entries.keys()].filter((key) => key.startsWith('capture'))).toEqual([]);
    expect(world.side.entries.has(sideKey({ kind: 'protected', prefix: hostOf(family) }))).toBe(false);
    world.routes.removeAddress(externalOf(family));
    expect(await world.plane.audit()).toMatchObject(done);
    expect([...world.side.entries.keys()].filter((key) => key.startsWith('capture'))).toHaveLength(2);
  });

  test('an address that the node does not have is no source of its routes', async () => {
    const world = startWorld(family);
    const settings = { ...settingsOf(family), nodeAddress: podAddress(4000, family) };
    await world.plane.apply({ settings, services: new Map(), complete: true });
    const routes = await world.routes.listRoutes(255);
    expect(routes.ok && routes.value.filter(({ protocol }) => protocol === 87).map(({ source }) => source)).toEqual([null]);
  });
});

describe('schedulers and destinations', () => {
  test('[IPVS-18] sh and mh always have the fallback flag', async () => {
    const world = startWorld('IPv4', { scheduler: 'sh' });
    await applyShapes(world, [plainShape, { ...plainShape, name: 'hash', number: 2, scheduler: 'mh' }], true);
    const listed = await world.servers.list();
    expect(listed.ok && listed.value.map(({ scheduler, schedulerFlags }) => [scheduler, schedulerFlags]).toSorted()).toEqual([
      ['mh', ['fallback']],
      ['sh', ['fallback']],
    ]);
  });

  test('[IPVS-19] destinations are inserted by address and port, in whatever order endpoints come', async () => {
    const orders = [
      [20, 3, 100, 9],
      [100, 9, 20, 3],
    ];
    const inserted = [];
    for (const backends of orders) {
      const world = startWorld('IPv4');
      await applyShapes(world, [{ ...plainShape, backends }], true);
      inserted.push(
        world.servers.operations.flatMap((operation) =>
          operation.verb === 'add-destination' ? [operation.destination.address] : [],
        ),
      );
    }
    expect(inserted).toEqual([0, 1].map(() => [3, 9, 20, 100].map((number) => podAddress(number))));
  });

  test('[IPVS-17] a scheduler that the kernel lacks is said and replaced, and used once the kernel has it', async () => {
    const schedulers = ['rr', 'wrr'];
    const world = startWorld('IPv4', {}, createNode('IPv4', { schedulers }));
    const shape = { ...plainShape, scheduler: 'mh', backends: [1, 2], weights: { 2: 3 } };
    expect(await applyShapes(world, [shape], true)).toMatchObject(done);
    expect(world.servers.dump()).toContain('-s wrr');
    expect(world.degraded).toMatchObject([{ code: 'WP_IPVS_NO_SCHEDULER', service: 'ns/web' }]);
    expect(await world.plane.audit()).toMatchObject({ ...done, operations: 0 });
    expect(world.degraded).toHaveLength(1);
    schedulers.push('mh');
    expect(await world.plane.audit()).toMatchObject({ ...done, operations: 1 });
    expect(world.servers.dump()).toContain('-s mh');
  });

  test('[IPVS-56] another scheduler, and other weights, are edits in place', async () => {
    const world = startWorld('IPv4');
    await applyShapes(world, [plainShape], true);
    const start = world.servers.operations.length;
    await applyShapes(world, [{ ...plainShape, scheduler: 'lc' }]);
    await applyShapes(world, [{ ...plainShape, scheduler: 'lc', weights: { 1: 5 } }]);
    expect(takeVerbs(world, start)).toEqual(['edit-server', 'edit-destination']);
  });

  test('[IPVS-20] weights without a scheduler ask for wrr', async () => {
    const world = startWorld('IPv4');
    await applyShapes(world, [{ ...plainShape, weights: { 2: 3 } }], true);
    expect(world.servers.dump()).toBe(
      '-A -t 10.96.0.1:80 -s wrr\n-a -t 10.96.0.1:80 -r 10.244.0.1:8080 -m -w 1 -x 0 -y 0\n-a -t 10.96.0.1:80 -r 10.244.0.2:8080 -m -w 3 -x 0 -y 0\n',
    );
  });

  test('[IPVS-3] a destination that somebody added to a server of ours is taken over', async () => {
    const world = startWorld('IPv4');
    await applyShapes(world, [plainShape], true);
    const key = { kind: 'address', protocol: 'TCP', address: clusterIp(1), port: 80 } as const;
    const destination = {
      address: podAddress(7),
      port: 8080,
      forwarding: { method: 'masquerade' },
      weight: 9,
      upperThreshold: 0,
      lowerThreshold: 0,
    } as const;
    await world.servers.apply([
      { verb: 'add-destination', key, destination },
      { verb: 'delete-destination', key, destination: { address: podAddress(1), port: 8080 } },
    ]);
    expect(await applyShapes(world, [{ ...plainShape, backends: [2, 7], drainSeconds: 0 }])).toMatchObject(done);
    expect(await world.plane.audit()).toMatchObject({ ...done, operations: 0 });
    expect(world.servers.dump()).toContain('-r 10.244.0.7:8080 -m -w 1 ');
  });
});

describe('affinity', () => {
  const shape = { ...plainShape, nodePort: 30_001, external: true, affinity: 600, backends: [1, 2, 3] };

  test('all addresses of a Service share one group, with a server for each back end', async () => {
    const world = startWorld('IPv4');
    expect(await applyShapes(world, [shape], true)).toMatchObject(done);
    const groups = [...world.side.entries.values()].filter((entry) => entry.kind === 'sticky');
    expect(groups).toMatchObject([{ timeoutSeconds: 600 }]);
    expect(groups[0]?.kind === 'sticky' && groups[0].servers).toHaveLength(3);
    const decisions = [...world.side.entries.values()].filter((entry) => entry.kind === 'decision');
    expect(new Set(decisions.map(({ decision }) => decision.verdict === 'sticky' && decision.group))).toHaveProperty('size', 1);
    // Three back ends in two lanes: pods reach the ClusterIP with their own source.
    expect(await listServers(world)).toEqual(Array.from({ length: 6 }, () => 'mark IPv4'));
  });

  test('[IPVS-44] a back end that leaves is picked for nobody at once, and a weight of 0 likewise', async () => {
    const world = startWorld('IPv4');
    await applyShapes(world, [{ ...shape, weights: { 2: 0, 3: 2 } }], true);
    const serversOf = (): readonly number[] =>
      [...world.side.entries.values()].flatMap((entry) => (entry.kind === 'sticky' ? entry.servers : []));
    expect(serversOf()).toHaveLength(3);
    expect(new Set(serversOf()).size).toBe(2);
    await applyShapes(world, [{ ...shape, backends: [1] }]);
    expect(serversOf()).toHaveLength(1);
  });

  test('[IPVS-22] another timeout changes the group and no server', async () => {
    const world = startWorld('IPv4');
    await applyShapes(world, [shape], true);
    const start = world.servers.operations.length;
    expect(await applyShapes(world, [{ ...shape, affinity: 30 }])).toMatchObject({ ...done, operations: 1 });
    expect(takeVerbs(world, start)).toEqual([]);
  });
});

describe('Services that want the same', () => {
  test('the first by name has an address and port, whoever came first; the other is told', async () => {
    const world = startWorld('IPv4');
    const [one, two] = [
      { ...plainShape, name: 'b', backends: [1] },
      { ...plainShape, name: 'a', backends: [2] },
    ];
    await applyShapes(world, [one], true);
    await applyShapes(world, [two]);
    await world.clock.turn(2000);
    expect(world.servers.dump()).toContain(podAddress(2));
    expect(world.servers.dump()).not.toContain(podAddress(1));
    expect(world.degraded).toMatchObject([{ code: 'WP_IPVS_TAKEN', service: 'ns/b' }]);
    await applyFrontends(world, { 'ns/a': [] });
    await world.clock.turn(2000);
    expect(world.servers.dump()).toContain(podAddress(1));
  });

  test('an external address given twice in one Service is served once, with its restriction', async () => {
    const world = startWorld('IPv4');
    const frontends = frontendsOf({ ...plainShape, external: true, ranges: true });
    const twice = frontends.flatMap((frontend) =>
      frontend.kind === 'LoadBalancerIP'
        ? [{ ...frontend, kind: 'ExternalIP' as const, allowedSources: null }, frontend]
        : [frontend],
    );
    expect(await applyFrontends(world, { 'ns/web': twice }, true)).toMatchObject(done);
    expect([...world.side.entries.keys()].filter((key) => key.startsWith('restricted'))).toHaveLength(1);
  });
});

describe('cost', () => {
  test.each([10, 1000, 10_000])(
    '[IPVS-57] one endpoint among %i Services is three IPVS operations at most, and no listing',
    async (count) => {
      const services = Array.from({ length: count }, (_, index) => ({
        ...plainShape,
        name: `s${index}`,
        number: index + 1,
        backends: [1, 2],
      }));
      const world = startWorld('IPv4');
      await applyShapes(world, services, true);
      const start = world.servers.operations.length;
      world.servers.list = () => Promise.reject(new Error('a listing'));
      const report = await applyShapes(world, [{ ...plainShape, name: 's5', number: 6, backends: [1, 4] }]);
      expect(report).toMatchObject({ ...done, operations: 2 });
      expect(takeVerbs(world, start)).toEqual(['add-destination', 'edit-destination']);
    },
  );

  test('a large first sync goes to the kernel in batches with rests between', async () => {
    const services = Array.from({ length: 2000 }, (_, index) => ({ ...plainShape, name: `s${index}`, number: index + 1 }));
    const world = startWorld('IPv4');
    await applyShapes(world, services, true);
    expect(world.rests).toHaveLength(5);
    const small = startWorld('IPv4');
    await applyShapes(small, services.slice(0, 1000), true);
    expect(small.rests).toEqual([]);
  });

  test('a new Service is one transaction of the packet filter, an endpoint none', async () => {
    const world = startWorld('IPv4');
    await applyShapes(world, [], true);
    const before = world.side.changes.length;
    await applyShapes(world, [plainShape]);
    expect(world.side.changes.length - before).toBe(1);
    await applyShapes(world, [{ ...plainShape, backends: [1, 2, 4] }]);
    expect(world.side.changes.length - before).toBe(1);
    await applyShapes(world, [{ ...plainShape, name: 'np', number: 2, nodePort: 30_002, external: true }]);
    expect(world.side.changes.length - before).toBe(3);
  });
});

function externalOf(family: 'IPv4' | 'IPv6'): ReturnType<typeof addressOf> {
  return addressOf(family === 'IPv4' ? '198.51.100.1' : '2001:db8:100::1');
}

function hostOf(family: 'IPv4' | 'IPv6'): ReturnType<typeof prefixOf> {
  return prefixOf(`${externalOf(family)}/${family === 'IPv4' ? 32 : 128}`);
}

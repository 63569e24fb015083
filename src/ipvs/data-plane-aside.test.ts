import { expect, test } from 'vitest';
import { families } from '../model/mod.ts';
import { applyShapes, createNode, dumpNode, startWorld } from './data-plane.fixture.ts';
import { clusterIp, plainShape, settingsOf } from './wish.fixture.ts';

const shapes = [
  { ...plainShape, external: true, externalLocal: true, ranges: true, backends: [1, 3] },
  { ...plainShape, name: 'sticky', number: 2, affinity: 600 },
  { ...plainShape, name: 'dns', number: 3, protocol: 'UDP' as const, nodePort: 30_053 },
];

test.each(families)('[IPVS-51] stepping aside leaves what carries connections and sends no new one there, %s', async (family) => {
  const world = startWorld(family, {}, createNode(family));
  await world.plane.read();
  await applyShapes(world, shapes, true);
  const servers = world.servers.dump();
  const before = await dumpNode(world);
  const routes = await world.routes.listRoutes(null);

  // By another process, which knows nothing of the wish.
  const other = startWorld(family, {}, world);
  expect(await other.plane.stepAside(settingsOf(family))).toEqual({
    ok: true,
    value: expect.arrayContaining([
      { address: clusterIp(3, family), port: 80 },
      { address: null, port: 30_053 },
    ]),
  });
  const kinds = new Set([...world.side.entries.values()].map(({ kind }) => kind));
  expect([...kinds].toSorted()).toEqual(['capture', 'capture-address', 'hairpin', 'protected', 'record']);
  expect(world.servers.dump()).toBe(servers);
  expect(await world.routes.listRoutes(null)).toEqual(routes);

  const next = startWorld(family, {}, world);
  await next.plane.read();
  await applyShapes(next, shapes, true);
  expect(await dumpNode(world)).toBe(before);
});

test('where nothing is ours nothing is made', async () => {
  const world = startWorld('IPv4', {}, createNode('IPv4'));
  expect(await world.plane.stepAside(settingsOf('IPv4'))).toEqual({ ok: true, value: [] });
  expect(world.side.changes).toEqual([]);
  expect(await world.plane.cleanup()).toEqual({ ok: true, value: [] });
});

import { describe, expect, test } from 'vitest';
import type { Difference } from '../model/mod.ts';
import { applyShapes, dumpNode, startWorld } from './data-plane.fixture.ts';
import type { World } from './data-plane.fixture.ts';
import type { IpvsOperation } from './port.ts';
import { clusterIp, plainShape, podAddress } from './wish.fixture.ts';

const service = `ns/${plainShape.name}`;
const key = { kind: 'address', protocol: 'TCP', address: clusterIp(plainShape.number), port: 80 } as const;
const [first = 0] = plainShape.backends;
const destination = {
  address: podAddress(first),
  port: 8080,
  forwarding: { method: 'masquerade' },
  weight: 1,
  upperThreshold: 0,
  lowerThreshold: 0,
} as const;
const server = `-A -t ${key.address}:80 -s rr`;
const lineOf = (address: string, weight: number): string =>
  `-a -t ${key.address}:80 -r ${address}:8080 -m -w ${weight} -x 0 -y 0`;

async function written(options: Parameters<typeof startWorld>[1] = {}): Promise<World> {
  const world = startWorld('IPv4', options);
  await world.plane.read();
  expect(await applyShapes(world, [plainShape], true)).toMatchObject({ problem: null, failed: new Map() });
  expect(await compare(world)).toEqual([]);
  return world;
}

async function compare({ plane }: World): Promise<readonly Difference[]> {
  const compared = await plane.compare();
  if (!compared.ok) throw new Error(compared.problem.message);
  return compared.value;
}

async function meddle({ servers }: World, ...operations: readonly IpvsOperation[]): Promise<void> {
  expect((await servers.apply(operations)).verdicts).toEqual(operations.map(() => null));
}

/** Nothing is written by looking, all of it is put right by an audit, and then there is nothing to tell. */
async function expectRepair(world: World, right: string): Promise<void> {
  const writes = (): readonly number[] => [
    world.servers.operations.length,
    world.side.changes.length,
    world.sysctls.written.length,
  ];
  const [before, counted] = [await dumpNode(world), writes()];
  await compare(world);
  expect([await dumpNode(world), writes()]).toEqual([before, counted]);
  expect(await world.plane.audit()).toMatchObject({ problem: null, failed: new Map() });
  await world.clock.turn(400_000);
  expect(await dumpNode(world)).toBe(right);
  expect(await compare(world)).toEqual([]);
}

describe('what an audit would put right is told', () => {
  test('of a weight that was changed', async () => {
    const world = await written();
    const right = await dumpNode(world);
    await meddle(world, { verb: 'edit-destination', key, destination: { ...destination, weight: 7 } });
    const [held, wanted] = [lineOf(destination.address, 7), lineOf(destination.address, 1)];
    expect(await compare(world)).toEqual([{ service, place: 'ipvs', held, wanted }]);
    await expectRepair(world, right);
  });

  test('of a destination that is gone, and of one that a stranger added', async () => {
    const world = await written();
    const right = await dumpNode(world);
    const stranger = podAddress(99);
    await meddle(
      world,
      { verb: 'delete-destination', key, destination },
      { verb: 'add-destination', key, destination: { ...destination, address: stranger } },
    );
    expect(await compare(world)).toEqual([
      { service, place: 'ipvs', held: null, wanted: lineOf(destination.address, 1) },
      { service, place: 'ipvs', held: lineOf(stranger, 1), wanted: lineOf(stranger, 0) },
    ]);
    await expectRepair(world, right);
  });

  test('of a server with another scheduler, and of one that is gone', async () => {
    const world = await written();
    const right = await dumpNode(world);
    const kept = { key, schedulerFlags: [], persistence: null, onePacket: false, persistenceEngine: null };
    await meddle(world, { verb: 'edit-server', server: { ...kept, scheduler: 'wlc' } });
    expect(await compare(world)).toEqual([{ service, place: 'ipvs', held: server.replace('rr', 'wlc'), wanted: server }]);
    await meddle(world, { verb: 'delete-server', key });
    const lines = plainShape.backends.map((one) => lineOf(podAddress(one), 1));
    expect(await compare(world)).toEqual([server, ...lines].map((wanted) => ({ service, place: 'ipvs', held: null, wanted })));
    await expectRepair(world, right);
  });

  test('of entries and rules of the side rules', async () => {
    const world = await written();
    const right = await dumpNode(world);
    const entry = [...world.side.entries].find(([name]) => name.startsWith('decision/outside/'));
    if (entry === undefined) throw new Error('no decision was written');
    world.side.meddle([], [entry[0]]);
    expect(await compare(world)).toEqual([
      expect.objectContaining({ service: null, place: 'side rules', wanted: 'those of this agent' }),
      { service, place: 'side rules', held: null, wanted: `${entry[0]}: balance, server 0, masquerade` },
    ]);
    await expectRepair(world, right);
  });

  test('of a route that is gone, a kernel parameter and idle times that were changed', async () => {
    const world = await written();
    const right = await dumpNode(world);
    const routes = await world.routes.listRoutes(null);
    if (!routes.ok) throw new Error(routes.problem.message);
    const ours = routes.value.find(({ protocol }) => protocol === 87);
    if (ours === undefined) throw new Error('no route was written');
    await world.routes.changeRoutes([], [ours]);
    await world.sysctls.write('net.ipv4.vs.conntrack', '0');
    await world.servers.setTimeouts({ tcp: 60, tcpFin: 120, udp: 300 });
    const timeouts = expect.objectContaining({ place: 'ipvs', held: '--set 60 120 300' });
    expect(await compare(world)).toEqual([
      { service: null, place: 'sysctl', held: 'net.ipv4.vs.conntrack = 0', wanted: 'net.ipv4.vs.conntrack = 1' },
      timeouts,
      expect.objectContaining({
        place: 'ip route',
        held: null,
        wanted: expect.stringMatching(/^local .* dev lo table local proto 87/),
      }),
    ]);
    await expectRepair(world, right);
  });
});

describe('comparing', () => {
  test('says nothing before anything was applied, and nothing of drains and of servers of others', async () => {
    const world = startWorld('IPv4');
    expect(await compare(world)).toEqual([]);
    await world.plane.read();
    await applyShapes(world, [plainShape], true);
    world.servers.setConnections(key, destination, { active: 3, inactive: 0, persistent: 0 });
    await applyShapes(world, [{ ...plainShape, backends: plainShape.backends.slice(1) }]);
    expect(await compare(world)).toEqual([]);
    const foreign = { ...key, address: podAddress(200), port: 9 };
    await meddle(world, {
      verb: 'add-server',
      server: {
        key: foreign,
        scheduler: 'wlc',
        schedulerFlags: [],
        persistence: null,
        onePacket: false,
        persistenceEngine: null,
      },
    });
    expect(await compare(world)).toEqual([]);
  });

  test('takes a server of ours that somebody deleted and made anew for ours, as an audit does', async () => {
    const world = await written({ serviceCidrs: [] });
    const kept = { key, schedulerFlags: [], persistence: null, onePacket: false, persistenceEngine: null };
    await meddle(world, { verb: 'delete-server', key });
    expect((await compare(world)).length).toBeGreaterThan(0);
    await meddle(world, { verb: 'add-server', server: { ...kept, scheduler: 'wlc' } });
    expect((await compare(world))[0]).toMatchObject({ held: server.replace('rr', 'wlc'), wanted: server });
    expect(await world.plane.audit()).toMatchObject({ problem: null, failed: new Map() });
    expect(await compare(world)).toEqual([]);
  });
});

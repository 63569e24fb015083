import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { families } from '../model/mod.ts';
import type { Family } from '../model/mod.ts';
import { applyFrontends, applyShapes, createNode, dumpNode, startWorld } from './data-plane.fixture.ts';
import type { FakeNode, World } from './data-plane.fixture.ts';
import type { SideFate } from './fake-side-rules.ts';
import type { IpvsOptions } from './settings.ts';
import type { IpvsOperation } from './port.ts';
import { addressOf, shapes } from './wish.fixture.ts';
import type { Shape } from './wish.fixture.ts';

/** Longer than any drain of the walk. */
const longTime = 400_000;

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('apply' as const), shapes: fc.array(shapes, { minLength: 1, maxLength: 3 }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('remove' as const), index: fc.nat(12) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), milliseconds: fc.constantFrom(1000, 5000, 40_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('audit' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('busy' as const) }) },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Applies steps to a world and keeps account of what is wanted. */
async function walk(
  start: World,
  steps: readonly Step[],
  restart: (world: World) => World,
): Promise<{ readonly world: World; readonly wanted: ReadonlyMap<string, Shape> }> {
  let world = start;
  const wanted = new Map<string, Shape>();
  for (const one of steps) {
    switch (one.kind) {
      case 'apply':
        for (const shape of one.shapes) wanted.set(`ns/${shape.name}`, shape);
        await applyShapes(world, unique(one.shapes));
        break;
      case 'remove':
        wanted.delete(`ns/s${one.index}`);
        await applyFrontends(world, { [`ns/s${one.index}`]: [] });
        break;
      case 'wait':
        await world.clock.turn(one.milliseconds);
        break;
      case 'audit':
        await world.plane.audit();
        break;
      case 'busy':
        await makeBusy(world);
        break;
      case 'restart':
        await world.plane.close();
        world = restart(world);
        await world.plane.read();
        await applyShapes(world, [...wanted.values()], true);
        break;
    }
  }
  return { world, wanted };
}

/** The last of one name counts, as in a map. */
function unique(list: readonly Shape[]): Shape[] {
  return [...new Map(list.map((shape) => [shape.name, shape])).values()];
}

/** Every destination has a connection that does not end. */
async function makeBusy({ servers }: World): Promise<void> {
  const listed = await servers.list();
  if (!listed.ok) throw new Error(listed.problem.message);
  for (const { key, destinations } of listed.value) {
    for (const destination of destinations) servers.setConnections(key, destination, { active: 1, inactive: 0, persistent: 0 });
  }
}

const foreign: readonly IpvsOperation[] = [
  {
    verb: 'add-server',
    server: {
      key: { kind: 'address', protocol: 'TCP', address: addressOf('203.0.113.80'), port: 80 },
      scheduler: 'wlc',
      schedulerFlags: [],
      persistence: null,
      onePacket: false,
      persistenceEngine: null,
    },
  },
  {
    verb: 'add-destination',
    key: { kind: 'address', protocol: 'TCP', address: addressOf('203.0.113.80'), port: 80 },
    destination: {
      address: addressOf('203.0.113.81'),
      port: 80,
      forwarding: { method: 'direct' },
      weight: 0,
      upperThreshold: 0,
      lowerThreshold: 0,
    },
  },
  {
    verb: 'add-server',
    server: {
      key: { kind: 'mark', family: 'IPv4', mark: 7 },
      scheduler: 'wlc',
      schedulerFlags: [],
      persistence: null,
      onePacket: false,
      persistenceEngine: null,
    },
  },
];

/** A node that another program uses as well. */
async function createStocked(family: Family): Promise<FakeNode> {
  const node = createNode(family);
  if (family === 'IPv4') await node.servers.apply(foreign);
  return node;
}

/** A node on which only what is wanted has ever been. */
async function buildFresh(family: Family, wanted: ReadonlyMap<string, Shape>, options: Partial<IpvsOptions>): Promise<string> {
  const world = startWorld(family, options, await createStocked(family));
  await world.plane.read();
  await applyShapes(world, [...wanted.values()], true);
  return dumpNode(world);
}

const ranges: readonly (readonly [string, Partial<IpvsOptions>])[] = [
  ['with service ranges', {}],
  ['without service ranges', { serviceCidrs: [] }],
];

const chance = fc.nat(999).map((thousandths) => thousandths / 1000);

/** Deletes and changes one thing in three. */
async function meddle({ servers, side, routes }: FakeNode, random: () => number): Promise<void> {
  const strikes = (): boolean => random() < 0.3;
  const listed = await servers.list();
  const ways = await routes.listRoutes(null);
  const rules = await routes.listRules();
  if (!listed.ok || !ways.ok || !rules.ok) throw new Error('a fake without faults failed');
  for (const { destinations, ...server } of listed.value) {
    if (strikes()) await servers.apply([{ verb: 'edit-server', server: { ...server, scheduler: 'dh' } }]);
    for (const { counters: _counters, ...destination } of destinations) {
      if (strikes()) {
        await servers.apply([{ verb: 'edit-destination', key: server.key, destination: { ...destination, weight: 0 } }]);
      }
      if (strikes()) await servers.apply([{ verb: 'delete-destination', key: server.key, destination }]);
    }
    if (strikes()) await servers.apply([{ verb: 'delete-server', key: server.key }]);
  }
  side.meddle([], [...side.entries.keys()].filter(strikes));
  await routes.changeRoutes(
    [],
    ways.value.filter(({ protocol }) => protocol === 87 && strikes()),
  );
  await routes.changeRules(
    [],
    rules.value.filter(({ protocol }) => protocol === 87 && strikes()),
  );
}

describe.each(families)('random walks, %s', (family) => {
  test.each(ranges)(
    '[IPVS-53] [IPVS-50] %s any history ends in the kernel of a fresh build, foreign servers untouched',
    async (_, options) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
          const start = startWorld(family, options, await createStocked(family));
          await start.plane.read();
          await applyShapes(start, [], true);
          const { world, wanted } = await walk(start, steps, (old) => startWorld(family, options, old));
          await world.clock.turn(longTime);
          expect(await dumpNode(world)).toBe(await buildFresh(family, wanted, options));
          expect(await world.plane.audit()).toMatchObject({ operations: 0, problem: null });
          expect(world.clock.timers).toBe(0);
        }),
        { numRuns: 60 },
      );
    },
  );

  test('ports that fail now and then end in the same kernel as soon as one change goes through', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), fc.infiniteStream(chance), async (steps, chances) => {
        let faulty = true;
        const random = (): number => (faulty ? chances.next().value : 1);
        const faults = { probability: 0.15, random };
        const sideFate = (): SideFate => (random() >= 0.15 ? 'works' : random() < 0.5 ? 'fails' : 'unheard');
        const start = startWorld(family, {}, createNode(family, { sideFate }), faults);
        await start.plane.read();
        await applyShapes(start, [], true);
        const { world, wanted } = await walk(start, steps, (old) => startWorld(family, {}, old, faults));
        faulty = false;
        expect(await applyShapes(world, [...wanted.values()], true)).toMatchObject({ problem: null, failed: new Map() });
        await world.clock.turn(longTime);
        const fresh = startWorld(family);
        await applyShapes(fresh, [...wanted.values()], true);
        expect(await dumpNode(world)).toBe(await dumpNode(fresh));
        expect(await world.plane.audit()).toMatchObject({ operations: 0, problem: null });
      }),
      { numRuns: 60 },
    );
  });

  test('what other programs change is put right by an audit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(shapes, { maxLength: 6 }), fc.infiniteStream(chance), async (list, chances) => {
        const world = startWorld(family);
        await applyShapes(world, unique(list), true);
        const before = await dumpNode(world);
        await meddle(world, () => chances.next().value);
        expect(await world.plane.audit()).toMatchObject({ problem: null, failed: new Map() });
        await world.clock.turn(longTime);
        expect(await dumpNode(world)).toBe(before);
        expect(await world.plane.audit()).toMatchObject({ operations: 0, problem: null });
      }),
      { numRuns: 60 },
    );
  });
});

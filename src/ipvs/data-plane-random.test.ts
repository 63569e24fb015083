import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { families } from '../model/mod.ts';
import type { Family, Frontend } from '../model/mod.ts';
import { applyFrontends, createNode, dumpNode, startWorld } from './data-plane.fixture.ts';
import type { FakeNode, World } from './data-plane.fixture.ts';
import type { SideFate } from './fake-side-rules.ts';
import type { IpvsOptions } from './settings.ts';
import type { IpvsOperation } from './port.ts';
import { publishedFrontends, publishedShapes } from './publications.fixture.ts';
import type { PublishedShape } from './publications.fixture.ts';
import { addressOf, frontendsOf, shapes } from './wish.fixture.ts';
import type { Shape } from './wish.fixture.ts';

/** Longer than any drain of the walk. */
const longTime = 400_000;

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('apply' as const), shapes: fc.array(shapes, { minLength: 1, maxLength: 3 }) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      shapes: fc.array(publishedShapes, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('remove' as const),
      name: fc.oneof(
        fc.nat(12).map((index) => `s${index}`),
        fc.nat(5).map((index) => `p${index}`),
      ),
    }),
  },
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
  after: (world: World) => Promise<void> = async () => {},
): Promise<{ readonly world: World; readonly wanted: ReadonlyMap<string, readonly Frontend[]> }> {
  let world = start;
  const wanted = new Map<string, readonly Frontend[]>();
  const add = async (services: Services): Promise<void> => {
    for (const [service, frontends] of Object.entries(services)) wanted.set(service, frontends);
    await applyFrontends(world, services);
  };
  for (const one of steps) {
    switch (one.kind) {
      case 'apply':
        await add(servicesOf(one.shapes, world.family));
        break;
      case 'publish':
        await add(servicesPublished(one.shapes, world.family));
        break;
      case 'remove':
        wanted.delete(`ns/${one.name}`);
        await applyFrontends(world, { [`ns/${one.name}`]: [] });
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
        await applyFrontends(world, Object.fromEntries(wanted), true);
        break;
    }
    await after(world);
  }
  return { world, wanted };
}

async function expectNoDifference({ plane }: World): Promise<void> {
  expect(await plane.compare()).toEqual({ ok: true, value: [] });
}

type Services = Readonly<Record<string, readonly Frontend[]>>;

/** The last of one name counts. */
function servicesOf(list: readonly Shape[], family: Family): Services {
  return Object.fromEntries(list.map((shape) => [`ns/${shape.name}`, frontendsOf(shape, family)]));
}

function servicesPublished(list: readonly PublishedShape[], family: Family): Services {
  return Object.fromEntries(list.map((shape) => [`ns/${shape.name}`, publishedFrontends(shape, family)]));
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
async function buildFresh(
  family: Family,
  wanted: ReadonlyMap<string, readonly Frontend[]>,
  options: Partial<IpvsOptions>,
): Promise<string> {
  const world = startWorld(family, options, await createStocked(family));
  await world.plane.read();
  await applyFrontends(world, Object.fromEntries(wanted), true);
  return dumpNode(world);
}

/** So many that no two names ask for one: who comes first has it then, and a history shows. */
const wide = { marks: { mask: 0x00ff_ffff, first: 0x101 } };

const ranges: readonly (readonly [string, Partial<IpvsOptions>])[] = [
  ['with service ranges', wide],
  ['without service ranges', { ...wide, serviceCidrs: [] }],
];

const lists = fc.array(shapes, { maxLength: 6 });
const publishedLists = fc.array(publishedShapes, { maxLength: 4 });

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
          await applyFrontends(start, {}, true);
          const { world, wanted } = await walk(start, steps, (old) => startWorld(family, options, old), expectNoDifference);
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
        const start = startWorld(family, wide, createNode(family, { sideFate }), faults);
        await start.plane.read();
        await applyFrontends(start, {}, true);
        const { world, wanted } = await walk(start, steps, (old) => startWorld(family, wide, old, faults));
        faulty = false;
        expect(await applyFrontends(world, Object.fromEntries(wanted), true)).toMatchObject({ problem: null, failed: new Map() });
        await world.clock.turn(longTime);
        const fresh = startWorld(family, wide);
        await applyFrontends(fresh, Object.fromEntries(wanted), true);
        expect(await dumpNode(world)).toBe(await dumpNode(fresh));
        expect(await world.plane.audit()).toMatchObject({ operations: 0, problem: null });
      }),
      { numRuns: 60 },
    );
  });

  test('what other programs change is put right by an audit', async () => {
    await fc.assert(
      fc.asyncProperty(lists, publishedLists, fc.infiniteStream(chance), async (list, published, chances) => {
        const world = startWorld(family, wide);
        await applyFrontends(world, { ...servicesOf(list, family), ...servicesPublished(published, family) }, true);
        const before = await dumpNode(world);
        await meddle(world, () => chances.next().value);
        const meddled = await dumpNode(world);
        const told = await world.plane.compare();
        expect(await dumpNode(world)).toBe(meddled);
        const report = await world.plane.audit();
        expect(report).toMatchObject({ problem: null, failed: new Map() });
        // The fake does not count what is written around entries.
        const objects = told.ok ? told.value.filter(({ wanted }) => wanted !== 'those of this agent') : [];
        expect(objects.length > 0).toBe(report.operations > 0);
        await expectNoDifference(world);
        await world.clock.turn(longTime);
        expect(await dumpNode(world)).toBe(before);
        expect(await world.plane.audit()).toMatchObject({ operations: 0, problem: null });
      }),
      { numRuns: 60 },
    );
  });
});

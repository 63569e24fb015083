import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAddress } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';
import { World, duration } from './announce-world.fixture.ts';

const addresses = Array.from({ length: 12 }, (_, at) => parseAddress(`192.0.2.${at + 100}`) as Address);
/** A node is dead at the end of its Lease, and one renewal more shows it. */
const soon = 250;

async function boot(names: readonly string[], delay: () => number = () => 1): Promise<World> {
  const world = new World();
  for (const name of names) await world.boot(name, { delay });
  world.want(addresses);
  await world.clock.turn(duration * 3);
  return world;
}

const placesOf = (world: World): string[] => addresses.map((address) => world.holdersOf(address).join('+'));
const nodeOf = (world: World, name: string) => world.nodes.get(name) as NonNullable<ReturnType<World['nodes']['get']>>;

describe('announcing', () => {
  test('each address is on one node, every node knows which, and it was greeted three times [INGRESS-49]', async () => {
    const world = await boot(['a', 'b', 'c']);
    expect(new Set(placesOf(world))).toEqual(new Set(['a', 'b', 'c']));
    for (const { announcer } of world.nodes.values()) {
      expect(announcer.rows().map(({ address, owner }) => [address, owner])).toEqual(
        addresses.map((address) => [address, world.holdersOf(address)[0]]),
      );
    }
    const greeted = world.greetings.filter(({ node }) => node === 'b').map(({ address }) => address);
    for (const address of nodeOf(world, 'b').answers) expect(greeted.filter((each) => each === address).length % 3).toBe(0);
  });

  test('without a wish nobody answers, and a wish that goes takes its answer along', async () => {
    const world = await boot(['a', 'b']);
    world.want([]);
    await world.clock.turn(soon);
    expect(placesOf(world)).toEqual(addresses.map(() => ''));
    expect(nodeOf(world, 'a').announcer.rows()).toEqual([]);
  });

  test('an orderly end hands over at once, and only what the node had', async () => {
    const world = await boot(['a', 'b', 'c']);
    const before = placesOf(world);
    const closed = nodeOf(world, 'b').announcer.close('release');
    world.nodes.delete('b');
    await world.clock.turn(soon);
    await closed;
    for (const [at, place] of placesOf(world).entries())
      expect(place).toMatch(before[at] === 'b' ? /^[ac]$/ : (before[at] ?? ''));
  });

  test('a node that dies is followed when its Lease is up [INGRESS-49]', async () => {
    const world = await boot(['a', 'b', 'c']);
    const dead = nodeOf(world, 'b');
    const mine = [...dead.answers];
    dead.kill();
    world.nodes.delete('b');
    await world.clock.turn(duration / 2);
    expect(mine.map((address) => world.holdersOf(address))).toEqual(mine.map(() => []));
    await world.clock.turn(duration / 2 + soon);
    for (const address of mine) expect(world.holdersOf(address)).toHaveLength(1);
  });

  test('a new node gets its part without a moment in which nobody answers', async () => {
    const world = await boot(['a', 'b']);
    await world.boot('c');
    world.want(addresses);
    await world.clock.turn(0);
    let silent = 0;
    await world.clock.turn(duration * 2, () => {
      silent += addresses.filter((address) => world.holdersOf(address).length === 0).length;
    });
    expect(silent).toBe(0);
    expect(new Set(placesOf(world))).toEqual(new Set(['a', 'b', 'c']));
  });

  test('a restart moves nothing, though a Lease of a dead node lies about', async () => {
    const world = await boot(['a', 'b', 'z']);
    nodeOf(world, 'z').kill();
    world.nodes.delete('z');
    await world.clock.turn(duration * 2);
    const before = placesOf(world);
    nodeOf(world, 'a').kill();
    await world.clock.turn(duration / 3);
    await world.boot('a');
    world.want(addresses, ['a', 'b', 'z']);
    let moved = 0;
    await world.clock.turn(duration * 3, () => {
      if (placesOf(world).join() !== before.join()) moved += 1;
    });
    expect(moved).toBe(0);
    // It tells again where they are: others may have had them meanwhile.
    expect(placesOf(world)).toEqual(before);
  });

  test('an end that keeps leaves the kernel and the Lease to the next run', async () => {
    const world = await boot(['a', 'b']);
    const before = placesOf(world);
    const closed = nodeOf(world, 'a').announcer.close('keep');
    await world.clock.turn(duration / 3);
    await closed;
    expect(placesOf(world)).toEqual(before);
    expect(world.lease('a')?.holder).not.toBe('');
  });

  test('while the server is away from all, nothing moves; nor when it is back', async () => {
    const world = await boot(['a', 'b', 'c']);
    const before = placesOf(world);
    for (const { line } of world.nodes.values()) Object.assign(line, { writes: false, watches: false });
    let moved = 0;
    const look = (): void => {
      if (placesOf(world).join() !== before.join()) moved += 1;
    };
    await world.clock.turn(duration * 10, look);
    for (const { line } of world.nodes.values()) Object.assign(line, { writes: true, watches: true });
    await world.clock.turn(duration * 3, look);
    expect(moved).toBe(0);
    expect(nodeOf(world, 'a').notices.filter(({ kind }) => kind === 'problem')).toHaveLength(1);
  });

  test('a node whose interface is gone hands over, and says why it cannot', async () => {
    const world = await boot(['a', 'b']);
    const a = nodeOf(world, 'a');
    a.networks = [];
    a.announcer.recheck();
    await world.clock.turn(soon);
    expect(new Set(placesOf(world))).toEqual(new Set(['b']));
    const b = nodeOf(world, 'b');
    const [first] = addresses;
    if (first === undefined) throw new Error('no address');
    b.refused = new Map([[first, { code: 'WP_INGRESS_ANNOUNCE_LOCAL', message: 'it is local' }]]);
    b.announcer.recheck();
    await world.clock.turn(soon);
    expect(b.announcer.rows()[0]).toMatchObject({ address: first, owner: 'b', problem: { message: 'it is local' } });
    expect(b.notices.filter(({ kind }) => kind === 'problem')).toHaveLength(1);
  });

  test('a kernel that does not answer is asked again, and told of once', async () => {
    const world = await boot(['a']);
    const a = nodeOf(world, 'a');
    a.broken = { code: 'WP_NETLINK_SOCKET', message: 'no' };
    world.want(addresses.slice(0, 3));
    await world.clock.turn(duration * 2);
    a.broken = null;
    await world.clock.turn(duration);
    expect([...a.answers].toSorted()).toEqual(addresses.slice(0, 3).toSorted());
    expect(a.notices.filter(({ kind }) => kind === 'problem')).toHaveLength(1);
  });

  test('only nodes that accept for all Services of an address are good for it', async () => {
    const world = await boot(['a', 'b']);
    const [address] = addresses;
    if (address === undefined) throw new Error('no address');
    for (const { announcer } of world.nodes.values()) {
      announcer.set([
        { address, eligible: ['a', 'b'] },
        { address, eligible: ['b', 'c'] },
      ]);
    }
    await world.clock.turn(soon);
    expect(world.holdersOf(address)).toEqual(['b']);
    world.want([address], []);
    await world.clock.turn(soon);
    expect(world.holdersOf(address)).toEqual([]);
    expect(nodeOf(world, 'a').announcer.rows()).toMatchObject([{ owner: null }]);
  });
});

describe('greetings of a node that hands over do not come after those of its heir', () => {
  /** From well within the repetitions of a greeting to when they are over. */
  const rests = fc.integer({ min: 0, max: 1500 });

  test('when its agent ends in order [INGRESS-49]', async () => {
    await fc.assert(
      fc.asyncProperty(rests, async (rest) => {
        const world = await boot(['a', 'b']);
        const { answers, announcer } = await world.boot('c');
        world.want(addresses);
        await world.clock.turn(duration + rest);
        const mine = [...answers];
        const mark = world.greetings.length;
        const closed = announcer.close('release');
        await world.clock.turn(2000);
        await closed;
        const since = world.greetings.slice(mark);
        expect(since.map(({ node }) => node)).not.toContain('c');
        expect(since.map(({ address }) => address)).toEqual(expect.arrayContaining(mine));
      }),
      { examples: [[250]], numRuns: 30 },
    );
  });

  test('when it goes on, even if its kernel is slow', async () => {
    await fc.assert(
      fc.asyncProperty(rests, fc.integer({ min: 0, max: 500 }), async (rest, kernelMs) => {
        const world = await boot(['a', 'b']);
        nodeOf(world, 'a').kernelMs = kernelMs;
        world.want(addresses, ['a']);
        await world.clock.turn(rest);
        const mark = world.greetings.length;
        world.want(addresses, ['b']);
        await world.clock.turn(2000);
        expect(new Set(world.greetings.slice(mark).map(({ node }) => node))).toEqual(new Set(['b']));
        expect(new Set(placesOf(world))).toEqual(new Set(['b']));
      }),
      // A repetition is due, and an earlier wish is being carried out, when the address is lost.
      {
        examples: [
          [200, 150],
          [50, 150],
        ],
        numRuns: 30,
      },
    );
  });
});

/** Every delay within what a Lease allows for: a sixth of it for each way. */
const delays = fc.infiniteStream(fc.integer({ min: 0, max: duration / 12 }));

describe('announcing under delays', () => {
  test('who cannot renew has stepped down before another takes over [INGRESS-49]', async () => {
    await fc.assert(
      fc.asyncProperty(delays, fc.integer({ min: 0, max: duration }), async (stream, offset) => {
        const delay = (): number => stream.next().value as number;
        const world = await boot(['a', 'b', 'c'], delay);
        await world.clock.turn(offset);
        const cut = nodeOf(world, 'b');
        const mine = [...cut.answers];
        cut.line.writes = false;
        let both = 0;
        await world.clock.turn(duration * 3, () => {
          both += mine.filter((address) => world.holdersOf(address).length > 1).length;
        });
        expect(both).toBe(0);
        for (const address of mine) expect(world.holdersOf(address)).toMatchObject([expect.stringMatching(/^[ac]$/)]);
        cut.line.writes = true;
        await world.clock.turn(duration * 2);
        expect([...cut.answers].toSorted()).toEqual(mine.toSorted());
      }),
      { numRuns: 15 },
    );
  });

  test('whatever happened, once it is over all agree and each address has one node', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const event = fc.record({
      node: fc.constantFrom(...names),
      what: fc.constantFrom('kill', 'release', 'boot', 'cut writes', 'cut watch', 'cut both', 'mend'),
      rest: fc.integer({ min: 0, max: duration * 2 }),
    });
    await fc.assert(
      fc.asyncProperty(delays, fc.array(event, { maxLength: 12 }), async (stream, events) => {
        const delay = (): number => stream.next().value as number;
        const world = await boot(names, delay);
        const running = new Set(names);
        for (const { node, what, rest } of events) {
          const { line, kill, announcer } = nodeOf(world, node);
          if (what === 'kill' || what === 'release') {
            if (what === 'kill') kill();
            else if (running.has(node)) void announcer.close('release');
            running.delete(node);
          } else if (what === 'boot' && !running.has(node)) {
            await world.boot(node);
            running.add(node);
          } else if (what !== 'boot') {
            const isOpen = what === 'mend';
            Object.assign(line, { writes: isOpen || what === 'cut watch', watches: isOpen || what === 'cut writes' });
          }
          world.want(addresses, names);
          await world.clock.turn(rest);
        }
        for (const { line } of world.nodes.values()) Object.assign(line, { writes: true, watches: true });
        await world.clock.turn(duration * 5);
        for (const address of addresses) {
          // A dead agent leaves its kernel as it was; the question is what those say that live.
          const live = world.holdersOf(address).filter((name) => running.has(name));
          expect(live).toHaveLength(Math.min(1, running.size));
          for (const name of running) {
            const row = nodeOf(world, name)
              .announcer.rows()
              .find((each) => each.address === address);
            expect(row).toMatchObject({ owner: live[0], undecided: false });
          }
        }
      }),
      { numRuns: 12 },
    );
  });
});

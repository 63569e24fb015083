import { describe, expect, test } from 'vitest';
import { applyFrontends, applyShapes, startWorld } from './data-plane.fixture.ts';
import type { World } from './data-plane.fixture.ts';
import type { ServerKey } from './virtual-server.ts';
import { addressOf, clusterIp, plainShape, podAddress } from './wish.fixture.ts';

const web: ServerKey = { kind: 'address', protocol: 'TCP', address: clusterIp(1), port: 80 };
const dns: ServerKey = { kind: 'address', protocol: 'UDP', address: clusterIp(1), port: 80 };

/** Weights by the number of the pod; null where the server is gone. */
async function weightsOf({ servers }: World, key: ServerKey = web): Promise<Readonly<Record<string, number>> | null> {
  const listed = await servers.list();
  if (!listed.ok) throw new Error(listed.problem.message);
  const server = listed.value.find(
    (one) =>
      one.key.kind === 'address' &&
      key.kind === 'address' &&
      one.key.protocol === key.protocol &&
      one.key.address === key.address,
  );
  if (server === undefined) return null;
  return Object.fromEntries(server.destinations.map(({ address, weight }) => [address, weight]));
}

function setActive({ servers }: World, number: number, active: number, inactive = 0): void {
  servers.setConnections(web, { address: podAddress(number), port: 8080 }, { active, inactive, persistent: 0 });
}

const [one, two] = [podAddress(1), podAddress(2)];
const externalAddress = addressOf('198.51.100.1');

describe('back ends that leave', () => {
  test('[IPVS-42] one with connections stays at weight 0, and new connections go elsewhere', async () => {
    const world = startWorld('IPv4');
    await applyShapes(world, [plainShape], true);
    setActive(world, 1, 3);
    await applyShapes(world, [{ ...plainShape, backends: [2] }]);
    expect(await weightsOf(world)).toEqual({ [one]: 0, [two]: 1 });
    await world.clock.turn(60_000);
    expect(await weightsOf(world)).toEqual({ [one]: 0, [two]: 1 });
  });

  test('[IPVS-43] it goes within five seconds of its last active connection, inactive ones do not count', async () => {
    const world = startWorld('IPv4');
    await applyShapes(world, [plainShape], true);
    setActive(world, 1, 1);
    await applyShapes(world, [{ ...plainShape, backends: [2] }]);
    await world.clock.turn(30_000);
    setActive(world, 1, 0, 500);
    await world.clock.turn(5000);
    expect(await weightsOf(world)).toEqual({ [two]: 1 });
    expect(world.clock.timers).toBe(0);
  });

  test('[IPVS-43] one whose connections are being closed is not cut off: none may be active for some looks', async () => {
    const world = startWorld('IPv4');
    await applyShapes(world, [plainShape], true);
    setActive(world, 1, 0, 1);
    await applyShapes(world, [{ ...plainShape, backends: [2] }]);
    await world.clock.turn(3000);
    // A connection from before, which the last look had missed.
    setActive(world, 1, 1);
    await world.clock.turn(60_000);
    setActive(world, 1, 0, 1);
    await world.clock.turn(3000);
    expect(await weightsOf(world)).toEqual({ [one]: 0, [two]: 1 });
    await world.clock.turn(2000);
    expect(await weightsOf(world)).toEqual({ [two]: 1 });
    // The next time it leaves it is given the same time again.
    await applyShapes(world, [plainShape]);
    setActive(world, 1, 0, 1);
    await applyShapes(world, [{ ...plainShape, backends: [2] }]);
    await world.clock.turn(3000);
    expect(await weightsOf(world)).toEqual({ [one]: 0, [two]: 1 });
  });

  test('[IPVS-43] [IPVS-48] it goes when its time is over, whatever connections it has', async () => {
    const world = startWorld('IPv4');
    await applyShapes(world, [plainShape], true);
    setActive(world, 1, 1);
    await applyShapes(world, [{ ...plainShape, backends: [2] }]);
    await world.clock.turn(299_000);
    expect(await weightsOf(world)).toEqual({ [one]: 0, [two]: 1 });
    await world.clock.turn(2000);
    expect(await weightsOf(world)).toEqual({ [two]: 1 });
  });

  test.each([
    [0, 0],
    [20, 20_000],
  ])('a Service that gives %i seconds gets as many', async (drainSeconds, milliseconds) => {
    const world = startWorld('IPv4');
    const shape = { ...plainShape, drainSeconds };
    await applyShapes(world, [shape], true);
    setActive(world, 1, 1);
    await applyShapes(world, [{ ...shape, backends: [2] }]);
    await world.clock.turn(Math.max(0, milliseconds - 1000));
    expect(await weightsOf(world)).toEqual(milliseconds === 0 ? { [two]: 1 } : { [one]: 0, [two]: 1 });
    await world.clock.turn(2000);
    expect(await weightsOf(world)).toEqual({ [two]: 1 });
  });

  test('[IPVS-45] one of UDP goes at once', async () => {
    const world = startWorld('IPv4');
    const shape = { ...plainShape, protocol: 'UDP' as const, drainSeconds: 100 };
    await applyShapes(world, [shape], true);
    await applyShapes(world, [{ ...shape, backends: [2] }]);
    expect(await weightsOf(world, dns)).toEqual({ [two]: 1 });
    expect(world.clock.timers).toBe(0);
  });

  test('one of UDP stays as long as the configuration says, idle or not', async () => {
    const world = startWorld('IPv4', { udpDrainMs: 5000 });
    const shape = { ...plainShape, protocol: 'UDP' as const };
    await applyShapes(world, [shape], true);
    await applyShapes(world, [{ ...shape, backends: [2] }]);
    await world.clock.turn(4000);
    expect(await weightsOf(world, dns)).toEqual({ [one]: 0, [two]: 1 });
    await world.clock.turn(2000);
    expect(await weightsOf(world, dns)).toEqual({ [two]: 1 });
  });

  test('[IPVS-49] one that comes back gets its weight back and is neither deleted nor added', async () => {
    const world = startWorld('IPv4');
    await applyShapes(world, [plainShape], true);
    setActive(world, 1, 1);
    await applyShapes(world, [{ ...plainShape, backends: [2] }]);
    await world.clock.turn(10_000);
    const start = world.servers.operations.length;
    await applyShapes(world, [plainShape]);
    expect(world.servers.operations.slice(start).map(({ verb }) => verb)).toEqual(['edit-destination']);
    setActive(world, 1, 0);
    await world.clock.turn(400_000);
    expect(await weightsOf(world)).toEqual({ [one]: 1, [two]: 1 });
  });

  test('only servers with something leaving are asked for their counts', async () => {
    const world = startWorld('IPv4');
    const asked: ServerKey[] = [];
    const { counters } = world.servers;
    world.servers.counters = (key) => {
      asked.push(key);
      return counters(key);
    };
    const other = { ...plainShape, name: 'other', number: 2 };
    await applyShapes(world, [plainShape, other], true);
    await world.clock.turn(10_000);
    expect(asked).toEqual([]);
    setActive(world, 1, 1);
    await applyShapes(world, [{ ...plainShape, backends: [2] }]);
    await world.clock.turn(3000);
    expect(asked).toEqual([web, web, web]);
  });
});

describe('Services that go while connections go on', () => {
  const shape = { ...plainShape, external: true };

  test('new connections are refused, and everything stays that carries the old ones', async () => {
    const world = startWorld('IPv4');
    await applyShapes(world, [shape], true);
    setActive(world, 1, 1);
    await applyFrontends(world, { 'ns/web': [] });
    expect(await weightsOf(world)).toEqual({ [one]: 0, [two]: 0 });
    const decisions = [...world.side.entries.values()].flatMap((entry) =>
      entry.kind === 'decision' ? [entry.decision.verdict] : [],
    );
    expect(decisions).toEqual(Array.from({ length: 6 }, () => 'reject'));
    await world.clock.turn(2000);
    expect(await weightsOf(world)).toEqual({ [one]: 0 });
    // The load-balancer address had no connections, so it is given up.
    expect([...world.side.entries.keys()].filter((key) => key.startsWith('capture'))).toEqual([]);
    setActive(world, 1, 0);
    await world.clock.turn(2000);
    expect(await weightsOf(world)).toBeNull();
    expect([...world.side.entries.values()].filter(({ kind }) => kind === 'decision')).toEqual([]);
    expect([...world.side.entries.keys()].filter((key) => key.startsWith('record/v'))).toEqual([]);
  });

  test('a new Service with the address ends that; its own back ends serve', async () => {
    const world = startWorld('IPv4');
    await applyShapes(world, [shape], true);
    setActive(world, 1, 1);
    await applyFrontends(world, { 'ns/web': [] });
    await applyShapes(world, [{ ...shape, name: 'next', backends: [2, 4] }]);
    expect(await weightsOf(world)).toEqual({ [one]: 0, [two]: 1, [podAddress(4)]: 1 });
    await world.clock.turn(400_000);
    expect(await weightsOf(world)).toEqual({ [two]: 1, [podAddress(4)]: 1 });
    expect(await world.plane.audit()).toMatchObject({ operations: 0 });
  });

  test('a Service that loses all back ends refuses, and old connections go on', async () => {
    const world = startWorld('IPv4');
    await applyShapes(world, [shape], true);
    setActive(world, 1, 1);
    await applyShapes(world, [{ ...shape, backends: [] }]);
    await world.clock.turn(5000);
    expect(await weightsOf(world)).toEqual({ [one]: 0 });
    expect([...world.side.entries.keys()].filter((key) => key.startsWith('capture'))).toHaveLength(2);
  });
});

describe('drains and restarts', () => {
  test('[IPVS-50] what an earlier run left at weight 0 is healed if wanted, and drained anew if not', async () => {
    const first = startWorld('IPv4');
    await applyShapes(first, [{ ...plainShape, backends: [1, 2, 4] }], true);
    setActive(first, 1, 1);
    setActive(first, 2, 1);
    await applyShapes(first, [{ ...plainShape, backends: [4] }]);
    await first.plane.close();
    const second = startWorld('IPv4', {}, first);
    expect(await second.plane.read()).toMatchObject({ ok: true });
    await applyShapes(second, [{ ...plainShape, backends: [1, 4] }], true);
    expect(await weightsOf(second)).toEqual({ [one]: 1, [two]: 0, [podAddress(4)]: 1 });
    await second.clock.turn(301_000);
    expect(await weightsOf(second)).toEqual({ [one]: 1, [podAddress(4)]: 1 });
  });

  test('a Service deleted while the agent was away drains, its load-balancer address still captured', async () => {
    const first = startWorld('IPv4');
    await applyShapes(first, [{ ...plainShape, external: true }], true);
    setActive(first, 1, 1);
    const key: ServerKey = { kind: 'address', protocol: 'TCP', address: externalAddress, port: 80 };
    first.servers.setConnections(key, { address: one, port: 8080 }, { active: 1, inactive: 0, persistent: 0 });
    await first.plane.close();
    const second = startWorld('IPv4', {}, first);
    await second.plane.read();
    await applyShapes(second, [], true);
    await second.clock.turn(5000);
    expect(await weightsOf(second, key)).toEqual({ [one]: 0 });
    expect([...second.side.entries.keys()].filter((name) => name.startsWith('capture'))).toHaveLength(2);
    await second.clock.turn(300_000);
    expect(await weightsOf(second, key)).toBeNull();
    expect([...second.side.entries.keys()].filter((name) => !/^(protected|record\/[yt])/.test(name))).toEqual([]);
  });

  test('a closed data plane leaves no timer behind', async () => {
    const world = startWorld('IPv4');
    await applyShapes(world, [plainShape], true);
    setActive(world, 1, 1);
    await applyShapes(world, [{ ...plainShape, backends: [2] }]);
    expect(world.clock.timers).toBe(1);
    await world.plane.close();
    expect(world.clock.timers).toBe(0);
  });
});

import { describe, expect, test } from 'vitest';
import { families, hostPrefix } from '../model/mod.ts';
import type { Address, ApplyReport, Family, SideEntry } from '../model/mod.ts';
import { applyFrontends, createNode, dumpNode, startWorld } from './data-plane.fixture.ts';
import type { FakeNode, World } from './data-plane.fixture.ts';
import { otherNode, publishedFrontends, publishedShape, vipOf } from './publications.fixture.ts';
import type { PublishedShape } from './publications.fixture.ts';
import { readRecord } from './records.ts';
import { traceNode } from './tracer.fixture.ts';
import type { TracedEnd, TracedPacket } from './tracer.fixture.ts';
import { serverKeyText } from './virtual-server.ts';
import { addressOf, nodeAddress, podAddress } from './wish.fixture.ts';

const done = { problem: null, failed: new Map() };
const client = addressOf('203.0.113.9');
const https = [{ protocol: 'TCP', port: 443, target: 443 }] as const;

function publish(world: World, shapes: readonly Partial<PublishedShape>[], complete = false): Promise<ApplyReport> {
  const all = shapes.map((shape) => ({ ...publishedShape, ...shape }));
  const services = Object.fromEntries(all.map((shape) => [`ns/${shape.name}`, publishedFrontends(shape, world.family)]));
  return applyFrontends(world, services, complete);
}

async function startPublished(
  shapes: readonly Partial<PublishedShape>[],
  ...more: Parameters<typeof startWorld> | []
): Promise<World> {
  const world = startWorld(more[0] ?? 'IPv4', more[1], more[2]);
  await world.plane.read();
  expect(await publish(world, shapes, true)).toMatchObject(done);
  return world;
}

async function marksOf({ servers }: FakeNode): Promise<readonly number[]> {
  const listed = await servers.list();
  if (!listed.ok) throw new Error(listed.problem.message);
  return listed.value.flatMap(({ key }) => (key.kind === 'mark' ? [key.mark] : [])).toSorted((a, b) => a - b);
}

function entriesOf<K extends SideEntry['kind']>({ side }: FakeNode, kind: K): readonly Extract<SideEntry, { kind: K }>[] {
  return [...side.entries.values()].filter((entry): entry is Extract<SideEntry, { kind: K }> => entry.kind === kind);
}

async function addForeign({ servers }: FakeNode, mark: number, family: Family = 'IPv4'): Promise<void> {
  const server = { scheduler: 'wlc', schedulerFlags: [], persistence: null, onePacket: false, persistenceEngine: null };
  const { verdicts } = await servers.apply([{ verb: 'add-server', server: { ...server, key: { kind: 'mark', family, mark } } }]);
  expect(verdicts).toEqual([null]);
}

async function trace(
  world: World,
  port: number,
  more: Partial<TracedPacket> = {},
  tunnel = 'tunl0',
): Promise<readonly TracedEnd[]> {
  const { servers, side, routes, family } = world;
  const [listed, ways, rules] = [await servers.list(), await routes.listRoutes(null), await routes.listRules()];
  if (!listed.ok || !ways.ok || !rules.ok || side.settings === null) throw new Error('a fake without faults failed');
  const node = {
    entries: side.entries,
    settings: { ...side.settings, tunnelDevices: [tunnel] },
    servers: new Map(listed.value.map((server) => [serverKeyText(server.key), server])),
    routes: ways.value,
    rules: rules.value,
    localAddresses: new Set([nodeAddress(family)]),
  };
  return traceNode(node, { family, source: client, destination: vipOf(1), protocol: 'TCP', port, inInterface: 'eth0', ...more });
}

async function makeBusy({ servers }: FakeNode): Promise<void> {
  const listed = await servers.list();
  if (!listed.ok) throw new Error(listed.problem.message);
  for (const { key, destinations } of listed.value) {
    for (const destination of destinations) servers.setConnections(key, destination, { active: 1, inactive: 0, persistent: 0 });
  }
}

describe('where packets go', () => {
  const to = (address: Address, port: number, masquerade: boolean): TracedEnd => ({
    verdict: 'forward',
    address,
    port,
    masquerade,
  });

  test('[INGRESS-6] [INGRESS-9] [INGRESS-12] [INGRESS-27] published ports, ranges, rewritten ports and all others', async () => {
    const ranges = [{ protocol: 'TCP', first: 40_000, last: 40_100 }] as const;
    const world = await startPublished([{ ranges, backends: [1] }]);
    expect(await trace(world, 443)).toEqual([to(podAddress(1), 443, true)]);
    expect(await trace(world, 80)).toEqual([to(podAddress(1), 8080, true)]);
    expect(await trace(world, 8080)).toEqual([{ verdict: 'reject' }]);
    expect(await trace(world, 40_000)).toEqual([to(podAddress(1), 40_000, true)]);
    expect(await trace(world, 40_100)).toEqual([to(podAddress(1), 40_100, true)]);
    expect(await trace(world, 40_101)).toEqual([{ verdict: 'reject' }]);
    await publish(world, [{ ranges, backends: [1], capture: 'policy' }]);
    expect(await trace(world, 443)).toEqual([to(podAddress(1), 443, true)]);
    expect(await trace(world, 40_101)).toEqual([{ verdict: 'leaves' }]);
  });

  test('[INGRESS-34] [INGRESS-44] what another node sends on stays on this one, and sources are those of clients', async () => {
    const world = await startPublished([{ ports: https, mode: 'dsr', backends: [1, 3], restricted: true }]);
    expect(await trace(world, 443)).toEqual(
      expect.arrayContaining([to(otherNode(1), 443, false), to(podAddress(3), 443, false)]),
    );
    expect(await trace(world, 443, { inInterface: 'tunl0' })).toEqual([to(podAddress(3), 443, false)]);
    expect(await trace(world, 443, { source: addressOf('192.0.2.200') })).toEqual([{ verdict: 'drop' }]);
    const peer: SideEntry = { kind: 'peer', address: otherNode(1), link: '02:00:00:00:00:01' };
    world.side.meddle([peer], []);
    expect(await trace(world, 443, { link: '02:00:00:00:00:01' })).toEqual([to(podAddress(3), 443, false)]);
    expect(await trace(world, 443, { link: '02:00:00:00:00:02' })).toHaveLength(2);
  });
});

describe('marks', () => {
  test.each(families)('[INGRESS-16] are the same after a restart, and nothing is changed by it, %s', async (family) => {
    const shapes = [{}, { name: 'other', vip: 2, persistence: 60, mode: 'dsr' as const }];
    const first = await startPublished(shapes, family, {}, createNode(family));
    const before = await dumpNode(first);
    const operations = first.servers.operations.length;
    await first.plane.close();
    const next = startWorld(family, {}, first);
    await next.plane.read();
    expect(await publish(next, shapes, true)).toMatchObject({ ...done, operations: 0 });
    expect(await dumpNode(next)).toBe(before);
    expect(next.servers.operations).toHaveLength(operations);
    expect(next.plane.adopted()).toHaveLength((await marksOf(next)).length);
  });

  test('[INGRESS-17] [INGRESS-54] of other programs’ virtual servers and rules are avoided, and left alone by cleanup', async () => {
    const usual = await marksOf(await startPublished([{}]));
    const node = createNode('IPv4');
    for (const mark of usual) await addForeign(node, mark);
    const before = node.servers.dump();
    const world = await startPublished([{}], 'IPv4', {}, node);
    const own = (await marksOf(world)).filter((mark) => !usual.includes(mark));
    expect(own).toHaveLength(usual.length);
    expect(await world.plane.cleanup()).toMatchObject({ ok: true });
    expect(node.servers.dump()).toBe(before);

    const ruled = createNode('IPv4');
    const [mark = 0] = usual;
    await ruled.routes.changeRules(
      [{ priority: 40, mark: { value: mark, mask: 0xffff }, table: 100, protocol: 3, further: false }],
      [],
    );
    expect(await marksOf(await startPublished([{}], 'IPv4', {}, ruled))).not.toContain(mark);
  });

  test('[INGRESS-17] one that somebody takes while the Service has it not is no longer its own', async () => {
    const world = await startPublished([{}]);
    const [mark = 0] = await marksOf(world);
    await publish(world, [{ backends: [] }]);
    await world.clock.turn(400_000);
    expect(await marksOf(world)).toEqual([]);
    await addForeign(world, mark);
    const report = await publish(world, [{}]);
    if (report.failed.size > 0) await publish(world, [{}]);
    expect(await marksOf(world)).toHaveLength(2);
    expect((await trace(world, 443)).every(({ verdict }) => verdict === 'forward')).toBe(true);
  });

  test('[INGRESS-18] exhaustion: ports are served one by one, it is said once, and heals when marks come free', async () => {
    const ranges = [{ protocol: 'TCP', first: 40_000, last: 40_100 }] as const;
    const options = { marks: { mask: 0x7, first: 0x7 } };
    const world = await startPublished([{ drainSeconds: 0 }], 'IPv4', options);
    await publish(world, [{ name: 'late', vip: 2, ranges }]);
    await world.plane.audit();
    const told = world.degraded.filter(({ code }) => code === 'WP_INGRESS_MARKS_EXHAUSTED');
    expect(told).toMatchObject([{ service: 'ns/late' }]);
    expect(await marksOf(world)).toEqual([7]);
    expect((await trace(world, 80, { destination: vipOf(2) })).map((end) => ('port' in end ? end.port : 0))).toEqual([
      8080, 8080, 8080,
    ]);
    expect(await trace(world, 40_000, { destination: vipOf(2) })).toEqual([{ verdict: 'leaves' }]);
    await applyFrontends(world, { 'ns/shop': [] });
    await world.plane.audit();
    expect((await trace(world, 40_000, { destination: vipOf(2) })).map(({ verdict }) => verdict)).toEqual([
      'forward',
      'forward',
      'forward',
    ]);
    expect(await world.plane.audit()).toMatchObject({ ...done, operations: 0 });
  });

  test('[INGRESS-16] one rests for as long as clients are remembered after its server has gone', async () => {
    const options = { marks: { mask: 0x7, first: 0x7 } };
    const world = await startPublished([{ persistence: 600, drainSeconds: 0 }], 'IPv4', options);
    await applyFrontends(world, { 'ns/shop': [] });
    await publish(world, [{ name: 'next', vip: 2 }]);
    await world.clock.turn(599_000);
    await world.plane.audit();
    expect(await marksOf(world)).toEqual([]);
    await world.clock.turn(1000);
    await world.plane.audit();
    expect(await marksOf(world)).toEqual([7]);
  });

  test('[INGRESS-54] records lost while no agent runs: marks that are wanted are taken over, as far as our routes say we were here', async () => {
    const first = await startPublished([{ capture: 'policy' }]);
    await first.plane.close();
    first.side.meddle([], [...first.side.entries.keys()]);
    await addForeign(first, 0x1fff);
    const operations = first.servers.operations.length;
    const next = await startPublished([{ capture: 'policy' }], 'IPv4', {}, first);
    expect(next.servers.operations).toHaveLength(operations);
    await next.plane.cleanup();
    expect(await marksOf(next)).toEqual([0x1fff]);
  });

  test('[INGRESS-18] another mask: the new server is there before the old one drains', async () => {
    const first = await startPublished([{}]);
    const [old = 0] = await marksOf(first);
    await makeBusy(first);
    await first.plane.close();
    const next = await startPublished([{}], 'IPv4', { marks: { mask: 0xff_0000, first: 1 } }, first);
    expect(await marksOf(next)).toHaveLength(2);
    const decisions = entriesOf(next, 'decision').flatMap(({ decision }) => (decision.verdict === 'mark' ? [decision.mark] : []));
    expect(new Set(decisions).has(old)).toBe(false);
    await next.clock.turn(400_000);
    expect(await marksOf(next)).not.toContain(old);
    expect(
      entriesOf(next, 'record')
        .map(({ text }) => readRecord(text))
        .filter((one) => one?.kind === 'mark'),
    ).toHaveLength(1);
  });
});

describe('changes', () => {
  test('[INGRESS-41] [INGRESS-42] [INGRESS-11] scheduler and memory change in place, and back ends that left drain at weight 0', async () => {
    const world = await startPublished([{ persistence: 60 }]);
    const [mark = 0] = await marksOf(world);
    await makeBusy(world);
    const [start] = [world.servers.operations.length];
    await publish(world, [{ persistence: 120, backends: [1, 2] }]);
    const verbs = world.servers.operations.slice(start).map(({ verb }) => verb);
    expect(verbs.toSorted()).toEqual(['edit-destination', 'edit-server']);
    const key = { kind: 'mark', family: 'IPv4', mark } as const;
    const listed = await world.servers.list();
    const server = listed.ok ? listed.value.find((one) => serverKeyText(one.key) === serverKeyText(key)) : undefined;
    expect(server).toMatchObject({ persistence: { timeoutSeconds: 120, prefixLength: 32 } });
    expect(server?.destinations.find(({ address }) => address === podAddress(3))).toMatchObject({ weight: 0 });
    await world.clock.turn(400_000);
    expect(world.servers.dump()).not.toContain(podAddress(3));
  });

  test('[INGRESS-42] [INGRESS-43] a port that is withdrawn while another goes on: its connections keep their way for the time of a drain', async () => {
    const world = await startPublished([{ capture: 'policy' }]);
    await makeBusy(world);
    await publish(world, [{ capture: 'policy', ports: https }]);
    const way = { rewrite: [{ port: 80, to: 8080 }], capture: [{ port: 443 }, { port: 8080 }] };
    const now = (): unknown => ({
      rewrite: entriesOf(world, 'rewrite').map(({ port, to }) => ({ port, to })),
      capture: entriesOf(world, 'capture')
        .map(({ port }) => ({ port }))
        .toSorted((a, b) => a.port - b.port),
    });
    expect(now()).toEqual(way);
    expect(await trace(world, 80)).toEqual([{ verdict: 'reject' }]);
    await world.plane.audit();
    await world.clock.turn(299_000);
    expect(now()).toEqual(way);
    await world.clock.turn(2000);
    expect(now()).toEqual({ rewrite: [], capture: [{ port: 443 }] });
    expect(await world.plane.audit()).toMatchObject({ ...done, operations: 0 });
    expect(world.clock.timers).toBe(0);
  });

  test('[INGRESS-43] a Service that is deleted keeps its way until its connections have ended, over a restart too', async () => {
    const first = await startPublished([{ capture: 'policy' }]);
    await makeBusy(first);
    await first.plane.close();
    const world = await startPublished([], 'IPv4', {}, first);
    expect(
      entriesOf(world, 'capture')
        .map(({ port }) => port)
        .toSorted(),
    ).toEqual([443, 8080]);
    expect(entriesOf(world, 'rewrite')).toHaveLength(1);
    expect(await trace(world, 443)).toEqual([{ verdict: 'reject' }]);
    await world.clock.turn(301_000);
    expect([...world.side.entries.keys()].filter((key) => !/^(protected\/10\.|record\/[yt])/.test(key))).toEqual([]);
    expect(await marksOf(world)).toEqual([]);
  });

  test('[INGRESS-42] recreated within the drain: connections and mark are kept', async () => {
    const world = await startPublished([{}]);
    const marks = await marksOf(world);
    await makeBusy(world);
    await applyFrontends(world, { 'ns/shop': [] });
    const from = world.servers.operations.length;
    await publish(world, [{}]);
    expect(await marksOf(world)).toEqual(marks);
    expect(world.servers.operations.slice(from).every(({ verb }) => verb === 'edit-destination')).toBe(true);
  });

  test('[INGRESS-5] of two Services that want one port the older one has it, and the other when it is gone', async () => {
    const range = {
      ports: [],
      ranges: [{ protocol: 'TCP', first: 400, last: 500 }],
      name: 'range',
      created: '2026-02-01',
    } as const;
    const world = await startPublished([range, { ports: https, name: 'one', drainSeconds: 0 }]);
    expect(world.degraded).toMatchObject([{ code: 'WP_IPVS_TAKEN', service: 'ns/range' }]);
    expect(await trace(world, 450)).toEqual([{ verdict: 'reject' }]);
    await applyFrontends(world, { 'ns/one': [] });
    expect((await trace(world, 450)).map(({ verdict }) => verdict)).toEqual(['forward', 'forward', 'forward']);
  });
});

describe('what is around', () => {
  test('[INGRESS-53] vs.conntrack forced to 0 is found out and set again', async () => {
    const world = await startPublished([{}]);
    world.sysctls.values.set('net.ipv4.vs.conntrack', '0');
    expect(await world.plane.audit()).toMatchObject({ ...done, operations: 1 });
    expect(world.sysctls.values.get('net.ipv4.vs.conntrack')).toBe('1');
    expect(world.notices).toContainEqual({ kind: 'sysctl', name: 'net.ipv4.vs.conntrack', from: '0', to: '1' });
  });

  test('[INGRESS-38] [INGRESS-54] sloppy_tcp is set with the first Service that needs it, and put back', async () => {
    const node = createNode('IPv4');
    node.sysctls.values.set('net.ipv4.vs.sloppy_tcp', '0');
    const world = await startPublished([{}], 'IPv4', {}, node);
    expect(node.sysctls.values.get('net.ipv4.vs.sloppy_tcp')).toBe('0');
    await publish(world, [{ name: 'direct', vip: 2, mode: 'dsr' }]);
    expect(node.sysctls.values.get('net.ipv4.vs.sloppy_tcp')).toBe('1');
    node.sysctls.values.set('net.ipv4.vs.sloppy_tcp', '0');
    await world.plane.audit();
    expect(node.sysctls.values.get('net.ipv4.vs.sloppy_tcp')).toBe('1');
    await world.plane.cleanup();
    expect(node.sysctls.values.get('net.ipv4.vs.sloppy_tcp')).toBe('0');
  });

  test('[INGRESS-24] [INGRESS-25] another table and priority: those of the earlier run go, and what is deleted comes back', async () => {
    const first = await startPublished([{ capture: 'policy' }]);
    await first.plane.close();
    const world = await startPublished([{ capture: 'policy' }], 'IPv4', { routeTable: 5257, rulePriority: 90 }, first);
    const look = async (): Promise<unknown> => {
      const [routes, rules] = [await world.routes.listRoutes(null), await world.routes.listRules()];
      if (!routes.ok || !rules.ok) throw new Error('a fake without faults failed');
      return [
        routes.value
          .filter(({ table, protocol }) => protocol === 87 && table !== 255)
          .map(({ table, destination }) => [table, destination]),
        rules.value.filter(({ protocol }) => protocol === 87).map(({ priority, table }) => [priority, table]),
      ];
    };
    const wanted = [[[5257, hostPrefix(vipOf(1))]], [[90, 5257]]];
    expect(await look()).toEqual(wanted);
    const rules = await world.routes.listRules();
    await world.routes.changeRules([], rules.ok ? rules.value.filter(({ protocol }) => protocol === 87) : []);
    await world.plane.audit();
    expect(await look()).toEqual(wanted);
    await world.plane.cleanup();
    expect(await look()).toEqual([[], []]);
  });

  test('stepping aside takes what rewrites and decides, and leaves what carries connections', async () => {
    const ranges = [{ protocol: 'UDP', first: 5000, last: 5001 }] as const;
    const world = await startPublished([{ ranges, capture: 'policy' }]);
    const servers = world.servers.dump();
    const settings = {
      podTraffic: { kind: 'none' },
      nodePorts: { kind: 'all-local', loopback: false },
      masqueradeBit: 14,
      nodeAddress: null,
    } as const;
    const aside = await world.plane.stepAside(settings);
    expect(aside.ok && [...new Set(aside.value.map(({ port }) => port))]).toEqual([5000, 5001]);
    expect(world.servers.dump()).toBe(servers);
    expect([...new Set([...world.side.entries.values()].map(({ kind }) => kind))].toSorted()).toEqual([
      'capture',
      'capture-address',
      'clamp',
      'hairpin',
      'lane',
      'protected',
      'record',
    ]);
  });
});

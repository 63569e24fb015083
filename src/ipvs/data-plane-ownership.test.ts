import { describe, expect, test } from 'vitest';
import { hostPrefix, markOfServer } from '../model/mod.ts';
import { applyFrontends, applyShapes, createNode, startWorld } from './data-plane.fixture.ts';
import type { FakeNode } from './data-plane.fixture.ts';
import type { ServerKey } from './virtual-server.ts';
import { serverKeyText } from './virtual-server.ts';
import { addressOf, clusterIp, frontendsOf, plainShape, podAddress, prefixOf, settingsOf } from './wish.fixture.ts';

const done = { problem: null, failed: new Map() };
const external = addressOf('198.51.100.1');

/** Adds a virtual server with one destination, as another program would. */
async function addServer({ servers }: FakeNode, key: ServerKey): Promise<void> {
  const { verdicts } = await servers.apply([
    {
      verb: 'add-server',
      server: { key, scheduler: 'wlc', schedulerFlags: [], persistence: null, onePacket: false, persistenceEngine: null },
    },
    {
      verb: 'add-destination',
      key,
      destination: {
        address: podAddress(50),
        port: 9,
        forwarding: { method: 'masquerade' },
        weight: 1,
        upperThreshold: 0,
        lowerThreshold: 0,
      },
    },
  ]);
  expect(verdicts).toEqual([null, null]);
}

async function textsOf({ servers }: FakeNode): Promise<readonly string[]> {
  const listed = await servers.list();
  return listed.ok ? listed.value.map(({ key }) => serverKeyText(key)).toSorted() : [];
}

function at(address: ReturnType<typeof addressOf>, port = 80): ServerKey {
  return { kind: 'address', protocol: 'TCP', address, port };
}

describe('whose a virtual server is', () => {
  test('[IPVS-53] when the records are lost while no agent runs, wanted servers at addresses with our routes are ours again', async () => {
    const node = createNode('IPv4');
    const shape = { ...plainShape, external: true };
    const first = startWorld('IPv4', {}, node);
    await first.plane.read();
    await applyShapes(first, [shape], true);
    const before = node.servers.dump();
    await first.plane.close();
    node.side.meddle([], [...node.side.entries.keys()]);
    await addServer(node, at(external, 8443));
    const next = startWorld('IPv4', {}, node);
    await next.plane.read();
    expect(await applyShapes(next, [shape], true)).toMatchObject(done);
    // What nobody wants there may be somebody else's.
    expect(await textsOf(node)).toEqual(['TCP 10.96.0.1:80', 'TCP 198.51.100.1:80', 'TCP 198.51.100.1:8443']);
    expect(next.plane.statistics().servers).toEqual({ own: 2, foreign: 1 });
    await node.servers.apply([{ verb: 'delete-server', key: at(external, 8443) }]);
    expect(node.servers.dump()).toBe(before);
    expect(await applyShapes(next, [], true)).toMatchObject(done);
    await next.clock.turn(400_000);
    expect(await textsOf(node)).toEqual([]);
  });

  test('[IPVS-53] those of others survive sync, audit, restart and cleanup', async () => {
    const node = createNode('IPv4');
    const theirs: readonly ServerKey[] = [
      at(addressOf('203.0.113.1')),
      { kind: 'mark', family: 'IPv4', mark: 7 },
      at(clusterIp(200)),
    ];
    for (const key of theirs) await addServer(node, key);
    const before = node.servers.dump();
    const options = { excludeCidrs: [hostPrefix(clusterIp(200))] };
    const first = startWorld('IPv4', options, node);
    await first.plane.read();
    await applyShapes(first, [plainShape], true);
    await first.plane.audit();
    expect(first.plane.statistics().servers).toEqual({ own: 1, foreign: 3 });
    await first.plane.close();
    const second = startWorld('IPv4', options, node);
    await second.plane.read();
    await applyShapes(second, [], true);
    await second.clock.turn(2000);
    expect(node.servers.dump()).toBe(before);
    await applyShapes(second, [plainShape]);
    expect(await second.plane.cleanup()).toMatchObject({ ok: true });
    expect(node.servers.dump()).toBe(before);
  });

  test('a Service that needs a server of somebody else fails alone, until that is gone', async () => {
    const node = createNode('IPv4');
    await addServer(node, at(external));
    const before = node.servers.dump();
    const world = startWorld('IPv4', {}, node);
    await world.plane.read();
    const wanted = { ...plainShape, name: 'wants', number: 1, external: true };
    const other = { ...plainShape, name: 'other', number: 2 };
    const report = await applyShapes(world, [wanted, other], true);
    expect([...report.failed]).toMatchObject([['ns/wants', { code: 'WP_IPVS_FOREIGN' }]]);
    expect(await textsOf(node)).toEqual(['TCP 10.96.0.2:80', 'TCP 198.51.100.1:80']);
    expect(node.servers.dump()).toContain(before.trim());
    expect(await world.plane.audit()).toMatchObject({ ...done, operations: 0 });
    await node.servers.apply([{ verb: 'delete-server', key: at(external) }]);
    await world.plane.audit();
    expect(await applyShapes(world, [wanted])).toMatchObject(done);
    expect(await textsOf(node)).toHaveLength(3);
  });

  test('one that somebody adds between two looks is found out when it is in the way', async () => {
    const world = startWorld('IPv4');
    await applyShapes(world, [], true);
    await addServer(world, at(external));
    const report = await applyShapes(world, [{ ...plainShape, external: true }]);
    expect([...report.failed]).toMatchObject([['ns/web', { code: 'WP_IPVS_FOREIGN' }]]);
    await world.clock.turn(2000);
    // Nothing of the Service is left, and no record claims the server.
    expect(await textsOf(world)).toEqual(['TCP 198.51.100.1:80']);
    expect([...world.side.entries.keys()].filter((key) => !/^(protected|record\/[yt])/.test(key))).toEqual([]);
  });

  test('servers in the service ranges and marks of our prefix are ours without a record', async () => {
    const node = createNode('IPv4');
    await addServer(node, at(clusterIp(1)));
    await addServer(node, at(clusterIp(9)));
    await addServer(node, { kind: 'mark', family: 'IPv4', mark: markOfServer(77, true) });
    const world = startWorld('IPv4', {}, node);
    await world.plane.read();
    expect(world.plane.adopted()).toHaveLength(3);
    await applyShapes(world, [plainShape], true);
    await world.clock.turn(2000);
    expect(await textsOf(node)).toEqual(['TCP 10.96.0.1:80']);
    expect(world.servers.operations.filter(({ verb }) => verb === 'delete-server')).toHaveLength(2);
  });

  test('of what kube-proxy left on its interface the wanted is taken over and the rest left alone', async () => {
    const node = createNode('IPv4');
    node.routes.addDevice('kube-ipvs0');
    for (const number of [1, 2]) {
      node.routes.addAddress({ address: clusterIp(number), device: 'kube-ipvs0', length: 32, scope: 0 });
      await addServer(node, at(clusterIp(number)));
    }
    const world = startWorld('IPv4', { serviceCidrs: [] }, node);
    await world.plane.read();
    expect(world.plane.adopted()).toEqual([]);
    await applyShapes(world, [plainShape], true);
    await world.clock.turn(2000);
    expect(world.plane.adopted()).toEqual(['TCP 10.96.0.1:80']);
    expect(await textsOf(node)).toEqual(['TCP 10.96.0.1:80', 'TCP 10.96.0.2:80']);
    expect(node.servers.operations.filter(({ verb }) => verb === 'delete-server')).toEqual([]);
    const routes = await node.routes.listRoutes(255);
    expect(routes.ok && routes.value.filter(({ protocol }) => protocol === 87).map(({ destination }) => destination)).toEqual([
      hostPrefix(clusterIp(1)),
    ]);
  });

  test('[IPVS-52] nothing is deleted before the whole wish has been heard', async () => {
    const node = createNode('IPv4');
    const first = startWorld('IPv4', {}, node);
    await applyShapes(first, [plainShape, { ...plainShape, name: 'other', number: 2, external: true, nodePort: 30_002 }], true);
    await first.plane.close();
    const second = startWorld('IPv4', {}, node);
    await second.plane.read();
    const before = node.servers.dump();
    const entries = new Map(node.side.entries);
    await applyShapes(second, [plainShape]);
    await second.plane.audit();
    await second.clock.turn(400_000);
    expect(node.servers.dump()).toBe(before);
    expect(node.side.entries).toEqual(entries);
    await applyShapes(second, [plainShape], true);
    await second.clock.turn(2000);
    expect(await textsOf(node)).toEqual(['TCP 10.96.0.1:80']);
  });

  test('[IPVS-51] a restart with the same wish changes no server, route or entry', async () => {
    const node = createNode('IPv4');
    const shapes = [
      { ...plainShape, external: true, nodePort: 30_001 },
      { ...plainShape, name: 'sticky', number: 2, affinity: 60, nodePort: 30_002 },
    ];
    await applyShapes(startWorld('IPv4', {}, node), shapes, true);
    const [before, start] = [node.servers.dump(), node.servers.operations.length];
    const second = startWorld('IPv4', {}, node);
    await second.plane.read();
    expect(await applyShapes(second, shapes, true)).toMatchObject({ ...done, operations: 0 });
    expect(node.servers.operations.length).toBe(start);
    expect(node.servers.dump()).toBe(before);
  });
});

describe('what the kernel refuses', () => {
  test('[IPVS-12] a back end that no kernel takes fails its Service alone, which keeps what it had', async () => {
    const world = startWorld('IPv4');
    await applyShapes(world, [plainShape], true);
    const before = world.servers.dump();
    const bad = frontendsOf(plainShape).map((frontend) => ({
      ...frontend,
      routes: {
        ...frontend.routes,
        pod: {
          verdict: 'forward',
          masquerade: false,
          pool: { key: 'x#cluster', backends: [{ address: addressOf('224.0.0.1'), port: 1, weight: 1, local: false }] },
        } as const,
      },
    }));
    const good = { ...plainShape, name: 'good', number: 2 };
    const report = await applyFrontends(world, { 'ns/web': bad, 'ns/good': frontendsOf(good) });
    expect([...report.failed.keys()]).toEqual(['ns/web']);
    expect(report.problem).toBeNull();
    await world.clock.turn(2000);
    expect(world.servers.dump()).toContain(before.trim());
    expect(await textsOf(world)).toEqual(['TCP 10.96.0.1:80', 'TCP 10.96.0.2:80']);
    expect(await world.plane.audit()).toMatchObject({ ...done, operations: 0 });
    expect(world.plane.statistics().errors.size).toBeGreaterThan(0);
  });

  test('[IPVS-65] a kernel without IPVS fails the reading, with the reason', async () => {
    const world = startWorld('IPv4', {}, createNode('IPv4', { missing: true }));
    expect(await world.plane.read()).toMatchObject({ ok: false, problem: { code: 'WP_IPVS_MISSING' } });
    expect(await applyShapes(world, [plainShape], true)).toMatchObject({ problem: { code: 'WP_IPVS_MISSING' } });
  });

  test('a packet filter that refuses everything is a problem of the whole', async () => {
    const world = startWorld('IPv4', {}, createNode('IPv4', { sideFate: () => 'fails' }));
    expect(await applyShapes(world, [plainShape], true)).toMatchObject({ problem: { code: 'WP_NFTABLES_FAKE' } });
  });
});

describe('cleaning up, and what is set besides', () => {
  test('[IPVS-54] [IPVS-37] nothing of ours is left and parameters are as they were', async () => {
    const node = createNode('IPv4');
    const values = new Map(node.sysctls.values);
    const world = startWorld('IPv4', { strictArp: true }, node);
    await applyShapes(world, [{ ...plainShape, external: true, nodePort: 30_001, affinity: 60 }], true);
    expect(node.sysctls.values.get('net.ipv4.conf.all.arp_ignore')).toBe('1');
    expect(node.sysctls.values.get('net.ipv4.conf.all.arp_announce')).toBe('2');
    await world.plane.close();
    expect(await startWorld('IPv4', {}, node).plane.cleanup()).toMatchObject({ ok: true });
    expect(node.servers.dump()).toBe('');
    expect(node.side.entries.size).toBe(0);
    expect(new Map(node.sysctls.values)).toEqual(values);
    expect(await node.servers.timeouts()).toEqual({ ok: true, value: { tcp: 900, tcpFin: 120, udp: 300 } });
    const [routes, rules] = [await node.routes.listRoutes(null), await node.routes.listRules()];
    expect(routes.ok && routes.value.filter(({ protocol }) => protocol === 87)).toEqual([]);
    expect(rules.ok && rules.value.filter(({ protocol }) => protocol === 87)).toEqual([]);
    expect(await startWorld('IPv4', {}, node).plane.cleanup()).toEqual({ ok: true, value: [] });
  });

  test('[IPVS-33] [IPVS-59] parameters are written only when different, said, and set again when they were lost', async () => {
    const world = startWorld('IPv4');
    await applyShapes(world, [], true);
    expect(world.sysctls.written).toEqual([
      'net.ipv4.vs.conntrack=1',
      'net.ipv4.vs.expire_nodest_conn=1',
      'net.ipv4.vs.expire_quiescent_template=1',
    ]);
    expect(world.notices).toContainEqual({ kind: 'sysctl', name: 'net.ipv4.vs.conntrack', from: '0', to: '1' });
    world.sysctls.values.set('net.ipv4.vs.conntrack', '0');
    expect(await world.plane.audit()).toMatchObject({ ...done, operations: 1 });
    expect(world.sysctls.values.get('net.ipv4.vs.conntrack')).toBe('1');
    expect(world.sysctls.written).toHaveLength(4);
  });

  test('without connection tracking in IPVS nothing is written at all', async () => {
    const world = startWorld('IPv4');
    world.sysctls.values.delete('net.ipv4.vs.conntrack');
    expect(await applyShapes(world, [plainShape], true)).toMatchObject({ problem: { code: 'WP_IPVS_SYSCTL' } });
    expect(world.servers.operations).toEqual([]);
  });

  test('[IPVS-58] idle times are the operator’s, or beyond keepalive where there is no word', async () => {
    const silent = startWorld('IPv4');
    await applyShapes(silent, [], true);
    expect(await silent.servers.timeouts()).toEqual({ ok: true, value: { tcp: 7500, tcpFin: 120, udp: 60 } });
    const told = startWorld('IPv4', { timeouts: { tcp: 1800, tcpFin: 30, udp: 10 } });
    await applyShapes(told, [], true);
    expect(await told.servers.timeouts()).toEqual({ ok: true, value: { tcp: 1800, tcpFin: 30, udp: 10 } });
  });

  test('[IPVS-40] node ports on 127.0.0.1 are served by the packet filter, and only where they are asked for', async () => {
    const world = startWorld('IPv4');
    await applyShapes(world, [{ ...plainShape, nodePort: 30_001 }], true);
    expect([...world.side.entries.values()].filter(({ kind }) => kind === 'loopback')).toEqual([]);
    const settings = { ...settingsOf('IPv4'), nodePorts: { kind: 'all-local', loopback: true } as const };
    await world.plane.apply({ settings, services: new Map(), complete: false });
    expect(world.side.entries.get('loopback/TCP/30001')).toMatchObject({
      targets: [
        { address: podAddress(1), port: 8080 },
        { address: podAddress(2), port: 8080 },
      ],
    });
    expect(world.sysctls.values.get('net.ipv4.conf.all.route_localnet')).toBe('1');
  });
});

test('[IPVS-64] connections and statistics name Services, drains, other programs and refusals', async () => {
  const world = startWorld('IPv4');
  await addServer(world, at(addressOf('203.0.113.1')));
  await applyShapes(world, [plainShape], true);
  const key = at(clusterIp(1));
  const untouched = { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 };
  const passed = { connections: 9, inPackets: 90, outPackets: 80, inBytes: 9000, outBytes: 80_000 };
  world.servers.setConnections(key, { address: podAddress(1), port: 8080 }, { active: 4, inactive: 2, persistent: 0, ...passed });
  await applyShapes(world, [{ ...plainShape, backends: [2] }]);
  await world.clock.turn(30_000);
  const connections = await world.plane.connections();
  expect(connections.ok && connections.value.toSorted((a, b) => (a.server < b.server ? -1 : 1))).toEqual([
    {
      server: 'TCP 10.96.0.1:80',
      service: 'ns/web',
      destinations: expect.arrayContaining([
        { endpoint: '10.244.0.1:8080', weight: 0, active: 4, inactive: 2, persistent: 0, ...passed, draining: true },
        { endpoint: '10.244.0.2:8080', weight: 1, active: 0, inactive: 0, persistent: 0, ...untouched, draining: false },
      ]),
    },
    {
      server: 'TCP 203.0.113.1:80',
      service: null,
      destinations: [
        { endpoint: '10.244.0.50:9', weight: 1, active: 0, inactive: 0, persistent: 0, ...untouched, draining: false },
      ],
    },
  ]);
  expect(world.plane.statistics()).toMatchObject({
    servers: { own: 1, foreign: 1 },
    destinations: 2,
    draining: 1,
    oldestDrainSeconds: 30,
    errors: new Map(),
  });
  expect(world.plane.statistics().resyncChanges).toBeGreaterThan(0);
  await world.plane.audit();
  expect(world.plane.statistics().resyncChanges).toBe(0);
});

test('ranges of the other family mean nothing', async () => {
  const world = startWorld('IPv4', { serviceCidrs: [prefixOf('fd00:10:96::/112')] });
  expect(await applyShapes(world, [], true)).toMatchObject(done);
  const routes = await world.routes.listRoutes(255);
  expect(routes.ok && routes.value.filter(({ protocol }) => protocol === 87)).toEqual([]);
});

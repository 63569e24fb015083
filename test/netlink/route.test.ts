import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { families, hostPrefix, parsePrefix } from '../../src/model/mod.ts';
import type { Family } from '../../src/model/mod.ts';
import type { LocalAddress, Route, RoutingRule } from '../../src/netlink/mod.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { canMakeNamespaces, kernelFamilies } from '../lab/mod.ts';
import { addressOf, benchKinds, createBench } from './route-bench.ts';
import type { RouteBench } from './route-bench.ts';

const table = 87;
const texts = {
  IPv4: {
    vip: '10.96.0.1',
    other: '10.96.0.2',
    first: '192.0.2.1',
    second: '192.0.2.2',
    near: '192.0.2.9',
    far: '203.0.113.1',
    net: '10.97.0.0/16',
  },
  IPv6: {
    vip: 'fd00:96::1',
    other: 'fd00:96::2',
    first: 'fd00::1',
    second: 'fd00::2',
    near: 'fd00::9',
    far: 'fd99::1',
    net: 'fd00:97::/48',
  },
} as const satisfies Readonly<Record<Family, unknown>>;

function wordsOf(family: Family) {
  const { vip, other, first, second, near, far, net } = texts[family];
  const prefix = parsePrefix(net);
  if (prefix === null) throw new TypeError(net);
  const local: Route = {
    destination: hostPrefix(addressOf(vip)),
    table,
    type: 'local',
    device: 'lo',
    source: addressOf(first),
    gateway: null,
    protocol: 87,
  };
  const on = (address: string): LocalAddress => ({
    address: addressOf(address),
    device: 'd0',
    length: family === 'IPv4' ? 24 : 64,
    scope: 0,
  });
  const rule: RoutingRule = {
    priority: 100,
    mark: { value: 0x5700_0000, mask: 0xff00_0000 },
    table,
    protocol: 87,
    further: false,
  };
  return {
    local,
    otherLocal: { ...local, destination: hostPrefix(addressOf(other)) },
    net: prefix,
    first: on(first),
    second: on(second),
    near: addressOf(near),
    far: addressOf(far),
    rule,
  };
}

const byText = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
const done = { ok: true };

function testRoutes(kind: (typeof benchKinds)[number], family: Family): void {
  const words = wordsOf(family);
  const { local, otherLocal, first, second, rule } = words;
  let bench: RouteBench;

  beforeEach(async () => {
    bench = await createBench(kind, family);
    await bench.addDevice('d0');
    await bench.addAddress(first);
    await bench.addAddress(second);
  });
  afterEach(() => bench?.[Symbol.asyncDispose]());

  const routes = async (of: number | null = table): Promise<readonly Route[]> => {
    const listed = await bench.port.listRoutes(of);
    if (!listed.ok) throw new Error(listed.problem.message);
    return listed.value.toSorted(byText);
  };
  const rules = async (): Promise<readonly RoutingRule[]> => {
    const listed = await bench.port.listRules();
    if (!listed.ok) throw new Error(listed.problem.message);
    return listed.value;
  };
  const change = (add: readonly Route[], remove: readonly Route[] = []) => bench.port.changeRoutes(add, remove);

  test('a table nobody made is empty; routes come, come again, and go, and go again', async () => {
    expect(await routes()).toEqual([]);
    expect(await change([local, otherLocal])).toMatchObject(done);
    expect(await change([otherLocal, local])).toMatchObject(done);
    expect(await routes()).toEqual([local, otherLocal].toSorted(byText));
    expect(await change([], [local, local])).toMatchObject(done);
    expect(await change([], [local])).toMatchObject(done);
    expect(await routes()).toEqual([otherLocal]);
  });

  test('another source replaces in place, and the removal of what was replaced takes nothing', async () => {
    await change([local, otherLocal]);
    const moved = { ...local, source: second.address };
    expect(await change([moved], [local])).toMatchObject(done);
    expect(await routes()).toEqual([moved, otherLocal].toSorted(byText));
    const bare = { ...local, source: null };
    expect(await change([bare], [moved])).toMatchObject(done);
    expect(await routes()).toEqual([bare, otherLocal].toSorted(byText));
  });

  test('a source that is not local is refused, and the neighbours are not', async () => {
    const wrong = { ...local, source: words.far };
    const report = await change([wrong, otherLocal]);
    expect(report).toMatchObject({ ok: false, problem: { code: 'WP_NETLINK_REFUSED' } });
    expect(report.ok ? '' : report.problem.message).toContain(words.far);
    expect(await routes()).toEqual([otherLocal]);
  });

  test('routes of every type, with gateway and without, in tables of any number', async () => {
    const none = { ...local, destination: words.net, device: null, source: null };
    const all: readonly Route[] = [
      { ...none, type: 'blackhole' },
      { ...none, type: 'unreachable', table: 300 },
      { ...none, type: 'unicast', device: 'd0', gateway: words.near, source: second.address, table: 100_000 },
      { ...none, type: 'unicast', device: 'd0', table: 254 },
      {
        ...none,
        destination: { ...words.net, length: 0, address: addressOf(family === 'IPv4' ? '0.0.0.0' : '::') },
        type: 'unicast',
        device: 'd0',
        table: 300,
      },
    ];
    expect(await change(all)).toMatchObject(done);
    const ours = (await routes(null)).filter(({ protocol }) => protocol === 87);
    expect(ours).toEqual(all.toSorted(byText));
    expect(await routes(300)).toEqual(all.filter((route) => route.table === 300).toSorted(byText));
    expect(await change([], all)).toMatchObject(done);
    expect((await routes(null)).filter(({ protocol }) => protocol === 87)).toEqual([]);
  });

  test('a route that somebody else made is neither replaced nor removed', async () => {
    const foreign = { ...local, source: null, protocol: 4 };
    await change([foreign]);
    expect(await change([local, otherLocal])).toMatchObject({ ok: false, problem: { code: 'WP_NETLINK_FOREIGN' } });
    expect(await change([], [local])).toMatchObject(done);
    expect(await routes()).toEqual([foreign, otherLocal].toSorted(byText));
  });

  test('an unknown interface: nothing can be added to it, and what was on it is gone', async () => {
    const lost = { ...local, device: 'nodev' };
    const report = await change([lost, otherLocal]);
    expect(report.ok ? '' : report.problem.message).toContain('nodev');
    expect(await change([], [lost])).toMatchObject(done);
    expect(await routes()).toEqual([otherLocal]);
  });

  test('a gateway that no interface leads to is refused', async () => {
    const route: Route = { ...local, destination: words.net, type: 'unicast', device: 'd0', source: null, gateway: words.far };
    expect(await change([route])).toMatchObject({ ok: false });
    expect(await routes()).toEqual([]);
  });

  test('a route of a type we do not write is refused by name', async () => {
    expect(await change([{ ...local, type: 'other' }, otherLocal])).toMatchObject({
      ok: false,
      problem: { code: 'WP_NETLINK_UNSUPPORTED' },
    });
    expect(await routes()).toEqual([otherLocal]);
  });

  test('routes leave with their interface, and so do its addresses', async () => {
    const onDevice: Route = { ...local, destination: words.net, type: 'unicast', device: 'd0', source: null };
    await change([onDevice, { ...otherLocal, source: null }]);
    await bench.removeDevice('d0');
    expect(await routes()).toEqual([{ ...otherLocal, source: null }]);
    const addresses = await bench.port.listAddresses();
    expect(addresses.ok && addresses.value.map(({ device }) => device)).toEqual(['lo']);
  });

  test('an address that goes takes its role as a source along', async () => {
    const main: Route = { ...local, destination: words.net, type: 'unicast', device: 'd0', table: 254, source: second.address };
    await change([main, { ...local, source: second.address }]);
    await bench.removeAddress(second);
    const left = (await routes(null)).filter(({ protocol }) => protocol === 87);
    expect(left).toEqual(
      family === 'IPv6'
        ? [main, local].map((route) => ({ ...route, source: null })).toSorted(byText)
        : [{ ...local, source: second.address }],
    );
  });

  test('rules come, come again, and go, and go again; the marks that tell them apart are kept', async () => {
    const before = await rules();
    const more: readonly RoutingRule[] = [
      { ...rule, priority: 101, mark: null, table: 70_000 },
      { ...rule, priority: 101, mark: { value: 0, mask: 0xff } },
      { ...rule, priority: 102, mark: { value: 0x8000_0001, mask: 0xffff_ffff } },
    ];
    expect(await bench.port.changeRules([rule, ...more], [])).toMatchObject(done);
    expect(await bench.port.changeRules([...more, rule], [])).toMatchObject(done);
    expect((await rules()).filter(({ protocol }) => protocol === 87)).toEqual([rule, ...more]);
    expect(await bench.port.changeRules([], [rule, rule, ...more.slice(1)])).toMatchObject(done);
    expect((await rules()).filter(({ protocol }) => protocol === 87)).toEqual(more.slice(0, 1));
    await bench.port.changeRules([], more);
    expect(await rules()).toEqual(before);
  });

  test('a rule of somebody else is not removed, and one that is not understood is not written', async () => {
    const foreign = { ...rule, protocol: 4 };
    await bench.port.changeRules([foreign], []);
    expect(await bench.port.changeRules([], [rule])).toMatchObject(done);
    expect((await rules()).filter(({ priority }) => priority === 100)).toEqual([foreign]);
    const report = await bench.port.changeRules([{ ...rule, further: true }], []);
    expect(report).toMatchObject({ ok: false, problem: { code: 'WP_NETLINK_UNSUPPORTED' } });
  });

  test('addresses with their interface, length and scope', async () => {
    const loopback = { device: 'lo', scope: 254, ...(family === 'IPv4' ? { length: 8 } : { length: 128 }) };
    const expected = [first, second, { ...loopback, address: addressOf(family === 'IPv4' ? '127.0.0.1' : '::1') }];
    const listed = await bench.port.listAddresses();
    const sort = (list: readonly LocalAddress[]): readonly string[] => list.map(({ address }) => address).toSorted();
    expect(listed.ok && sort(listed.value)).toEqual(sort(expected));
    for (const each of expected) expect(listed.ok && listed.value).toContainEqual(each);
  });
}

for (const family of families)
  describe(`routes of ${family}: fake`, () => {
    testRoutes('fake', family);
  });

const able = await canMakeNamespaces();
for (const kind of benchKinds.slice(1)) {
  for (const family of kernelFamilies())
    describeWhere(able, `routes of ${family}: ${kind}`, () => {
      testRoutes(kind, family);
    });
}

import { describe, expect, test } from 'vitest';
import type { Difference, Family } from '../model/mod.ts';
import { FakeClock } from './fake-clock.ts';
import { FakePlane } from './fake-plane.ts';
import { FakeSource } from './fake-source.ts';
import { Proxy } from './proxy.ts';
import { choices, endpoint, node, service, slice } from './records.fixture.ts';

const difference: Difference = { service: 'shop/a', place: 'iptables nat', held: null, wanted: '-A KUBE-SERVICES' };

/** A proxy that knows the Service shop/a; it writes once `source.synced` is called. */
function setUp(families: readonly Family[] = ['IPv4']) {
  const clock = new FakeClock();
  const source = new FakeSource();
  const planes = families.map((family) => new FakePlane(family));
  const notices: string[] = [];
  const proxy = new Proxy({
    planes,
    source,
    nodeMayCome: true,
    choices,
    nodeName: 'node-1',
    syncPeriod: 30_000,
    minSyncPeriod: 1000,
    clock,
    pause: () => null,
    localAddresses: () => [],
    report: ({ kind }) => notices.push(kind),
    problem: () => {},
    fatal: () => {},
  });
  proxy.start();
  source.setNode(node());
  const put = (name: string, address: string): void => {
    source.put(`shop/${name}`, service({ name }), [slice([endpoint(address)], { service: `shop/${name}` })]);
  };
  put('a', '10.244.1.1');
  const start = async (): Promise<void> => {
    source.synced();
    await clock.turn(2000);
  };
  return { clock, source, planes, plane: planes[0] as FakePlane, proxy, put, start, notices };
}

const same = { problem: null, differences: [], pending: [], nodeChanged: false };

describe('what separates the kernel from what is wanted', () => {
  test('is nothing after a sync, and what the data plane tells', async () => {
    const { proxy, plane, start } = setUp();
    await start();
    expect(await proxy.compare()).toEqual([{ family: 'IPv4', ...same }]);
    plane.differences = [difference];
    expect(await proxy.compare()).toEqual([{ family: 'IPv4', ...same, differences: [difference] }]);
    expect(plane.calls).toEqual(['complete', 'compare', 'compare']);
  });

  test('before the first sync nothing is compared, and everything is pending', async () => {
    const { proxy, plane } = setUp();
    const [found] = await proxy.compare();
    expect(found).toMatchObject({ problem: { code: 'WP_PROXY_NOT_SYNCED' }, differences: [] });
    expect(found?.pending).toMatchObject([{ service: 'shop/a', problem: null }]);
    expect(plane.calls).toEqual([]);
  });

  test('a change that waits for its turn is told with what is wanted', async () => {
    const { proxy, clock, put, start, source } = setUp();
    await start();
    put('b', '10.244.1.2');
    await clock.turn(0);
    put('b', '10.244.1.3');
    source.put('shop/a', null);
    const [found] = await proxy.compare();
    expect(found?.differences).toEqual([]);
    expect(found?.pending.map(({ wanted, ...rest }) => [rest.service, wanted])).toEqual([
      ['shop/b', [expect.stringMatching(/^ClusterIP TCP 10\.96\..*:80 -> 10\.244\.1\.3:8080$/)]],
      ['shop/a', []],
    ]);
    await clock.turn(1000);
    expect(await proxy.compare()).toEqual([{ family: 'IPv4', ...same }]);
  });

  test('other facts about the node are told until the next sync has taken them in', async () => {
    const { proxy, clock, source, start, put } = setUp();
    await start();
    put('b', '10.244.1.2');
    await clock.turn(0);
    source.setNode(node({ zone: 'b' }));
    expect((await proxy.compare())[0]?.nodeChanged).toBe(true);
    await clock.turn(1000);
    expect(await proxy.compare()).toEqual([{ family: 'IPv4', ...same }]);
  });

  test('a Service that the kernel refuses is told with the reason', async () => {
    const { proxy, clock, plane, put, start } = setUp();
    await start();
    plane.refused.add('shop/b');
    put('b', '10.244.1.2');
    await clock.turn(10);
    const [found] = await proxy.compare();
    expect(found?.pending).toMatchObject([{ service: 'shop/b', problem: { code: 'WP_TEST_REFUSED' } }]);
  });

  test('one family that cannot be read does not hide the other', async () => {
    const { proxy, planes, start } = setUp(['IPv4', 'IPv6']);
    await start();
    const [first, second] = planes as [FakePlane, FakePlane];
    first.problem = { code: 'WP_TEST', message: 'no answer' };
    second.differences = [difference];
    expect(await proxy.compare()).toEqual([
      { family: 'IPv4', ...same, problem: { code: 'WP_TEST', message: 'no answer' } },
      { family: 'IPv6', ...same, differences: [difference] },
    ]);
  });

  test('is never asked for while a sync runs, nor written meanwhile; who asks at once gets one answer', async () => {
    const { proxy, clock, plane, put, start } = setUp();
    await start();
    plane.during = () => new Promise<void>((resolve) => clock.after(500, resolve));
    put('b', '10.244.1.2');
    await clock.turn(100);
    expect(plane.calls).toEqual(['complete', 'shop/b']);
    const asked = [proxy.compare(), proxy.compare()];
    await clock.turn(100);
    expect(plane.calls).toEqual(['complete', 'shop/b']);
    await clock.turn(400);
    expect(plane.calls).toEqual(['complete', 'shop/b', 'compare']);
    put('c', '10.244.1.3');
    await clock.turn(300);
    expect(plane.calls).toEqual(['complete', 'shop/b', 'compare']);
    await clock.turn(3000);
    expect(plane.calls).toEqual(['complete', 'shop/b', 'compare', 'shop/c']);
    const [one, other] = await Promise.all(asked);
    expect(one).toEqual(other);
  });
});

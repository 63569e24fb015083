import { describe, expect, test } from 'vitest';
import type { AppliedSync } from './after-sync.ts';
import { FakeClock } from './fake-clock.ts';
import { FakePlane } from './fake-plane.ts';
import { FakeSource } from './fake-source.ts';
import type { Notice } from './notice.ts';
import { Proxy } from './proxy.ts';
import { address, choices, endpoint, node, service, slice } from './records.fixture.ts';
import type { SyncEvent } from './sync-event.ts';

/** A proxy with one family, everything it says written down in one list. */
function setUp(hook: (applied: AppliedSync) => Promise<void> = async () => {}) {
  const clock = new FakeClock();
  const source = new FakeSource();
  const plane = new FakePlane();
  const events: SyncEvent[] = [];
  const applied: AppliedSync[] = [];
  const story: string[] = [];
  const notices: Notice[] = [];
  const health: (number | null)[] = [];
  const proxy = new Proxy({
    planes: [plane],
    source,
    nodeMayCome: true,
    choices: { ...choices, localhostNodePorts: false },
    nodeName: 'node-1',
    syncPeriod: 30_000,
    minSyncPeriod: 1000,
    clock,
    pause: () => null,
    localAddresses: () => ['127.0.0.1', '192.0.2.11', 'fd00::1'].map(address),
    report: (notice) => notices.push(notice),
    observe: (event) => {
      events.push(event);
      story.push(event.kind);
    },
    afterSync: [
      {
        afterSync: async (one) => {
          applied.push(one);
          health.push(proxy.health()[0]?.lastUpdated ?? null);
          story.push('first hook');
          await hook(one);
        },
      },
      { afterSync: async () => void story.push('second hook') },
    ],
    problem: () => {},
    fatal: () => {},
  });
  proxy.start();
  source.setNode(node());
  const put = (name: string, at: number | null, ...addresses: string[]): void =>
    source.put(`shop/${name}`, service({ name }), [
      slice(
        addresses.map((one) => endpoint(one)),
        { key: `shop/${name}-1`, service: `shop/${name}`, triggeredAt: at },
      ),
    ]);
  const kinds = (kind: SyncEvent['kind']): SyncEvent[] => events.filter((event) => event.kind === kind);
  return { clock, source, plane, proxy, events, applied, story, notices, health, put, kinds };
}

describe('after a successful sync', () => {
  test('latencies, gauges, health, then the hooks in their order', async () => {
    const { clock, source, story, put, health, applied, proxy } = setUp();
    put('a', clock.now(), '10.244.1.1');
    source.synced();
    await clock.turn(10);
    expect(story).toEqual(['changed', 'queued', 'started', 'ended', 'programmed', 'succeeded', 'first hook', 'second hook']);
    expect(health).toEqual([clock.now() - 10]);
    expect(proxy.synced).toBe(true);
    expect(applied).toMatchObject([{ family: 'IPv4', complete: true, localAddresses: ['192.0.2.11'] }]);
    expect([...(applied[0]?.services ?? [])]).toEqual(['shop/a']);
  });

  test('hooks hear of the Services that the kernel confirmed, deleted ones included, and of no others', async () => {
    const { clock, source, plane, applied, put } = setUp();
    put('a', null);
    put('b', null);
    source.synced();
    await clock.turn(2000);
    plane.refused.add('shop/b');
    source.put('shop/a', null);
    put('b', null, '10.244.1.1');
    put('c', null);
    await clock.turn(1500);
    expect(applied.slice(1).map(({ services, complete }) => [[...services].toSorted(), complete])).toEqual([
      [['shop/a'], false],
      [['shop/c'], false],
    ]);
  });

  test('none run after a sync that failed', async () => {
    const { clock, source, plane, applied } = setUp();
    plane.problem = { code: 'WP_TEST_DOWN', message: 'no kernel' };
    source.synced();
    await clock.turn(20_000);
    expect(applied).toEqual([]);
  });

  test('a hook that throws is told, spoils neither health nor the next hook, and the loop goes on', async () => {
    const { clock, source, story, notices, put, proxy, plane } = setUp(async () => {
      throw new Error('boom');
    });
    source.synced();
    await clock.turn(2000);
    expect(story.at(-1)).toBe('second hook');
    expect(notices.at(-1)).toMatchObject({ kind: 'failed', problem: { code: 'WP_PROXY_AFTER_SYNC_BUG' } });
    expect(proxy.health()[0]?.pendingSince).toBeNull();
    put('a', null);
    await clock.turn(10);
    expect(plane.calls).toEqual(['complete', 'shop/a']);
  });

  test('an audit is followed by the hooks too: what they could not do before is tried again', async () => {
    const { clock, source, applied } = setUp();
    source.synced();
    await clock.turn(30_000);
    expect(applied.map(({ services, complete }) => [services.size, complete])).toEqual([
      [0, true],
      [0, false],
    ]);
  });
});

describe('what is measured', () => {
  test('[SP-133] each attempt with its kind, time and result', async () => {
    const { clock, source, plane, put, kinds } = setUp();
    plane.during = async () => {
      await new Promise<void>((resolve) => clock.after(200, resolve));
    };
    source.synced();
    await clock.turn(2000);
    put('a', null, '10.244.1.1');
    await clock.turn(1500);
    plane.problem = { code: 'WP_TEST_DOWN', message: 'no kernel' };
    put('a', null, '10.244.1.2');
    await clock.turn(300);
    plane.problem = null;
    await clock.turn(40_000);
    const ended = kinds('ended').map((event) => (event.kind === 'ended' ? [event.sync, event.took, event.problem?.code] : []));
    expect(ended).toEqual([
      ['full', 200, undefined],
      ['partial', 200, undefined],
      ['partial', 200, 'WP_TEST_DOWN'],
      ['full', 200, undefined],
      ['audit', 0, undefined],
    ]);
  });

  test('[SP-133] an attempt that a bug ended, without a report, and no deletion is lost with it', async () => {
    const { clock, source, plane, put, kinds, proxy } = setUp();
    put('a', null, '10.244.1.1');
    source.synced();
    await clock.turn(2000);
    plane.during = () => {
      plane.during = () => undefined;
      throw new Error('boom');
    };
    source.put('shop/a', null);
    await clock.turn(5000);
    expect(kinds('ended')[1]).toMatchObject({ sync: 'partial', report: null, problem: { code: 'WP_PROXY_SYNC_BUG' } });
    expect(proxy.rows()).toEqual([]);
    expect(proxy.health()[0]?.pendingSince).toBeNull();
  });

  test('changes are pending until the sync that takes them in', async () => {
    const { clock, source, put, kinds } = setUp();
    source.synced();
    await clock.turn(10);
    put('a', null, '10.244.1.1');
    put('a', null, '10.244.1.2');
    expect(kinds('changed')).toMatchObject([
      { services: 1, slices: 1, pending: { services: 1, slices: 1 } },
      { services: 1, slices: 1, pending: { services: 1, slices: 2 } },
    ]);
    await clock.turn(2000);
    expect(kinds('started').at(-1)).toMatchObject({ services: 1, pending: { services: 0, slices: 0 } });
  });

  test('[SP-134] the time to the kernel of what was confirmed, when it is confirmed', async () => {
    const { clock, source, plane, put, kinds } = setUp();
    source.synced();
    await clock.turn(2000);
    plane.refused.add('shop/a');
    put('b', clock.now() - 500, '10.244.1.2');
    put('a', clock.now(), '10.244.1.1');
    await clock.turn(1500);
    expect(kinds('programmed')).toMatchObject([{ latencies: [500] }]);
    plane.refused.clear();
    await clock.turn(5000);
    expect(kinds('programmed')[1]).toMatchObject({ latencies: [2000] });
  });

  test('[SP-135] service ports without local endpoints, and none once they have some', async () => {
    const { clock, source, kinds } = setUp();
    const local = service({ name: 'a', internalLocal: true });
    const at = (nodeName: string) => [slice([endpoint('10.244.1.1', { nodeName })], { service: 'shop/a' })];
    source.put('shop/a', local, at('node-2'));
    source.synced();
    await clock.turn(2000);
    expect(kinds('succeeded').at(-1)).toMatchObject({ noLocalEndpoints: { internal: 1, external: 0 } });
    source.put('shop/a', local, at('node-1'));
    await clock.turn(2000);
    expect(kinds('succeeded').at(-1)).toMatchObject({ noLocalEndpoints: { internal: 0, external: 0 } });
  });

  test('the tally counts frontends by state and Services that wait', async () => {
    const { clock, source, proxy, plane, put } = setUp();
    plane.refused.add('shop/b');
    put('a', null, '10.244.1.1');
    put('b', null, '10.244.1.2');
    expect(proxy.tally()).toEqual([{ family: 'IPv4', states: { Pending: 0, Done: 0, Error: 0 }, dirty: 2 }]);
    source.synced();
    await clock.turn(500);
    expect(proxy.tally()).toEqual([{ family: 'IPv4', states: { Pending: 0, Done: 1, Error: 1 }, dirty: 0 }]);
  });
});

test('before everything is listed no family runs, so nothing is ill, whatever is known of the node', async () => {
  const { clock, source, proxy } = setUp();
  source.setNode(node({ zone: 'zone-a' }));
  await clock.turn(600_000);
  expect(proxy.health()).toEqual([]);
});

test('[SP-117] starting the loop counts as a success, and the clock runs until the first sync is one', async () => {
  const { clock, source, plane, proxy } = setUp();
  plane.problem = { code: 'WP_TEST_DOWN', message: 'no kernel' };
  const opened = clock.now();
  source.synced();
  await clock.turn(70_000);
  expect(proxy.health()).toEqual([{ family: 'IPv4', lastUpdated: opened, pendingSince: opened }]);
  expect(proxy.synced).toBe(false);
  plane.problem = null;
  await clock.turn(30_000);
  expect(proxy.health()).toMatchObject([{ pendingSince: null }]);
  expect(proxy.synced).toBe(true);
});

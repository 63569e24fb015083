import { describe, expect, test } from 'vitest';
import type { FakePlane } from './fake-plane.ts';
import { named, setUp, slices, started } from './proxy.fixture.ts';
import { node, service } from './records.fixture.ts';

describe('start', () => {
  test('[SP-149] nothing is written before everything is listed; then exactly one complete sync runs', async () => {
    const { clock, source, plane, proxy } = setUp();
    source.setNode(node());
    source.put('shop/a', named('a'), slices('a', '10.244.1.1'));
    await clock.turn(120_000);
    expect(plane.calls).toEqual([]);
    expect(proxy.synced).toBe(false);
    source.synced();
    await clock.turn(10);
    expect(plane.calls).toEqual(['complete']);
    expect([...plane.held.keys()]).toEqual(['shop/a']);
    expect(proxy.synced).toBe(true);
  });

  test('[SP-148] a Node without addresses is waited for, 30 s at most', async () => {
    const { clock, source, plane, problems } = setUp();
    source.put('shop/a', named('a'));
    source.synced();
    await clock.turn(29_000);
    expect(plane.calls).toEqual([]);
    await clock.turn(1001);
    expect(plane.calls).toEqual(['complete']);
    expect(problems.map((problem) => problem.code)).toEqual(['WP_PROXY_NO_NODE_ADDRESS']);
  });

  test('an empty cluster is synced as well: what an earlier run left has to go', async () => {
    const { clock, source, plane, proxy } = setUp({ nodeMayCome: false });
    source.synced();
    await clock.turn(10);
    expect([plane.calls, proxy.synced]).toEqual([['complete'], true]);
  });

  test('a folder of manifests without the Node is not waited for', async () => {
    const { clock, source, plane, problems } = setUp({ nodeMayCome: false });
    source.put('shop/a', named('a'));
    source.synced();
    await clock.turn(10);
    expect(plane.calls).toEqual(['complete']);
    expect(problems.map((problem) => problem.code)).toEqual(['WP_PROXY_NO_NODE_ADDRESS']);
  });

  test('[SP-148] NodeCIDR mode waits for pod CIDRs and gives up after five minutes', async () => {
    const { clock, source, plane, fatal } = setUp({ choices: { podDetection: { kind: 'node-cidr' } } });
    source.setNode(node());
    source.synced();
    await clock.turn(299_000);
    expect([plane.calls, fatal]).toEqual([[], []]);
    await clock.turn(2000);
    expect(fatal.map((problem) => problem.code)).toEqual(['WP_PROXY_NO_POD_CIDR']);
    expect(plane.calls).toEqual([]);
  });

  test('[SP-95] in NodeCIDR mode a later change of the pod CIDRs ends the agent', async () => {
    const { clock, source, fatal } = setUp({ choices: { podDetection: { kind: 'node-cidr' } } });
    const cidr = (text: string) => ({ family: 'IPv4', address: text, length: 24 }) as never;
    source.setNode(node({ podCidrs: [cidr('10.244.1.0')] }));
    source.synced();
    await clock.turn(10);
    source.setNode(node({ podCidrs: [cidr('10.244.1.0')], zone: 'a' }));
    expect(fatal).toEqual([]);
    source.setNode(node({ podCidrs: [cidr('10.244.7.0')] }));
    expect(fatal.map((problem) => problem.code)).toEqual(['WP_PROXY_POD_CIDR_CHANGED']);
  });
});

describe('changes', () => {
  test('[SP-152] a change of one Service applies that Service alone', async () => {
    const { clock, source, plane } = await started();
    source.put('shop/a', named('a'), slices('a', '10.244.1.1', '10.244.1.7'));
    await clock.turn(10);
    expect(plane.calls).toEqual(['complete', 'shop/a']);
  });

  test('[SP-39] a deleted Service leaves the kernel and the table', async () => {
    const { clock, source, plane, states } = await started();
    source.put('shop/a', null);
    await clock.turn(10);
    expect([...plane.held.keys()]).toEqual(['shop/b']);
    expect(states()).toEqual(['shop/b Done']);
  });

  test('[SP-7] slices that come before their Service count once it is there', async () => {
    const { clock, source, plane } = await started();
    source.put('shop/c', null, slices('c', '10.244.1.3'));
    await clock.turn(2000);
    source.put('shop/c', named('c'), slices('c', '10.244.1.3'));
    await clock.turn(2000);
    expect(plane.held.get('shop/c')?.[0]?.routes.outside.verdict).toBe('forward');
  });

  test('[SP-63] a change of the node zone looks at every Service again; other Node changes at none', async () => {
    const { clock, source, plane } = await started();
    source.setNode(node({ leaving: true }));
    await clock.turn(5000);
    expect(plane.calls).toEqual(['complete']);
    source.setNode(node({ zone: 'zone-a' }));
    await clock.turn(5000);
    expect(plane.calls).toEqual(['complete', 'complete']);
  });

  test('a change that comes while a sync runs is pending until the next one confirmed it', async () => {
    const { clock, source, plane, states } = await started();
    plane.during = () => {
      plane.during = () => undefined;
      source.put('shop/a', named('a'), slices('a', '10.244.1.8'));
    };
    source.put('shop/a', named('a'), slices('a', '10.244.1.7'));
    await clock.turn(10);
    expect(states()).toEqual(['shop/a Pending', 'shop/b Done']);
    await clock.turn(1000);
    expect(states()).toEqual(['shop/a Done', 'shop/b Done']);
    expect(plane.calls).toEqual(['complete', 'shop/a', 'shop/a']);
  });

  test('a new Service is seen as Pending while the kernel is asked', async () => {
    const { clock, source, plane, states } = await started();
    const seen: string[][] = [];
    plane.during = () => void seen.push(states());
    source.put('shop/c', named('c'), slices('c', '10.244.1.3'));
    await clock.turn(10);
    expect(seen).toEqual([['shop/a Done', 'shop/b Done', 'shop/c Pending']]);
  });
});

describe('failures', () => {
  test('a refused Service is retried alone, ever more slowly, and its neighbours are Done', async () => {
    const { clock, source, plane, states, proxy } = await started();
    plane.refused.add('shop/a');
    source.put('shop/a', named('a'), slices('a', '10.244.1.7'));
    await clock.turn(500);
    expect(states()).toEqual(['shop/a Error', 'shop/b Done']);
    expect(proxy.rows()[0]?.reason).toBe('refused shop/a');
    await clock.turn(7500);
    expect(plane.calls.slice(1)).toEqual(['shop/a', 'shop/a', 'shop/a', 'shop/a']);
    plane.refused.clear();
    await clock.turn(8000);
    expect(states()).toEqual(['shop/a Done', 'shop/b Done']);
  });

  test('[SP-151] a failed sync is repeated in full and loses no change', async () => {
    const { clock, source, plane, notices, states } = await started();
    plane.problem = { code: 'WP_TEST_DOWN', message: 'no kernel' };
    source.put('shop/a', named('a'), slices('a', '10.244.1.7'));
    source.put('shop/c', named('c'), slices('c', '10.244.1.3'));
    await clock.turn(400);
    expect(notices.at(-1)?.kind).toBe('failed');
    plane.problem = null;
    await clock.turn(2000);
    expect(plane.calls.at(-1)).toBe('complete');
    expect(states()).toEqual(['shop/a Done', 'shop/b Done', 'shop/c Done']);
  });

  test('a broken family never stops the other', async () => {
    const { clock, source, planes, proxy } = setUp({ families: ['IPv4', 'IPv6'] });
    (planes[0] as FakePlane).problem = { code: 'WP_TEST_DOWN', message: 'no kernel' };
    source.setNode(node());
    source.put('shop/a', service({ name: 'a', clusterIps: { IPv6: 'fd00::a' as never } }));
    source.synced();
    await clock.turn(60_000);
    expect([...(planes[1] as FakePlane).held.keys()]).toEqual(['shop/a']);
    expect(proxy.health().map((one) => one.pendingSince === null)).toEqual([false, true]);
  });

  test('a bug in a sync does not end the loop', async () => {
    const { clock, source, plane, notices, states } = await started();
    plane.during = () => {
      plane.during = () => undefined;
      throw new Error('boom');
    };
    source.put('shop/a', named('a'), slices('a', '10.244.1.7'));
    await clock.turn(5000);
    expect(notices.some((notice) => notice.kind === 'failed' && notice.problem.code === 'WP_PROXY_SYNC_BUG')).toBe(true);
    expect(states()).toEqual(['shop/a Done', 'shop/b Done']);
  });
});

describe('another pace while it runs', () => {
  test('an audit comes after the new period, also the one that was planned', async () => {
    const { clock, plane, proxy } = await started();
    proxy.setPace({ syncPeriod: 5000, minSyncPeriod: 1000 });
    await clock.turn(5000);
    expect(plane.calls).toEqual(['complete', 'audit']);
    await clock.turn(5000);
    expect(plane.calls).toEqual(['complete', 'audit', 'audit']);
    proxy.setPace({ syncPeriod: 60_000, minSyncPeriod: 1000 });
    await clock.turn(64_000);
    expect(plane.calls).toEqual(['complete', 'audit', 'audit', 'audit']);
  });

  test('changes wait as long as the new period says', async () => {
    const { clock, source, proxy, plane } = await started();
    proxy.setPace({ syncPeriod: 30_000, minSyncPeriod: 0 });
    source.put('shop/a', named('a'), slices('a', '10.244.1.7'));
    await clock.turn(1);
    source.put('shop/a', named('a'), slices('a', '10.244.1.8'));
    await clock.turn(1);
    expect(plane.calls).toHaveLength(3);
  });
});

describe('audit and health', () => {
  test('drift is looked for every sync period and reported', async () => {
    const { clock, plane, notices } = await started();
    plane.drift = 3;
    await clock.turn(30_000);
    expect(plane.calls).toEqual(['complete', 'audit']);
    expect(notices.at(-1)).toMatchObject({ kind: 'repaired', report: { operations: 3 } });
  });

  test('[SP-150] an audit that finds all well holds up no change', async () => {
    const { clock, source, plane } = await started();
    await clock.turn(30_000);
    source.put('shop/a', named('a'), slices('a', '10.244.1.7'));
    await clock.turn(1);
    expect(plane.calls).toEqual(['complete', 'audit', 'shop/a']);
  });

  test('whoever was seen to change the kernel is followed at once and named', async () => {
    const { clock, plane, proxy, notices } = await started();
    plane.drift = 3;
    proxy.lookAgain('IPv6', { by: 'nft (process 6)' });
    await clock.turn(2000);
    expect(plane.calls).toEqual(['complete']);
    proxy.lookAgain('IPv4', { by: 'nft (process 7)' });
    await clock.turn(2000);
    expect(plane.calls).toEqual(['complete', 'audit']);
    expect(notices.at(-1)).toMatchObject({ kind: 'repaired', by: ['nft (process 7)'] });
    proxy.lookAgain('IPv4');
    await clock.turn(2000);
    expect(plane.calls).toEqual(['complete', 'audit']);
  });

  test('drift is looked for where changes never cease too', async () => {
    const { clock, source, plane } = await started();
    for (let second = 1; second <= 35; second += 1) {
      source.put('shop/a', named('a'), slices('a', `10.244.1.${second}`));
      await clock.turn(1000);
    }
    expect(plane.calls.filter((call) => call === 'audit')).toHaveLength(1);
    expect(plane.calls.length).toBeGreaterThan(30);
  });

  test('[SP-117] [SP-118] health waits from the oldest unconfirmed change, and is idle otherwise', async () => {
    const { clock, source, plane, proxy } = await started();
    expect(proxy.health()[0]?.pendingSince).toBeNull();
    plane.problem = { code: 'WP_TEST_DOWN', message: 'no kernel' };
    const changed = clock.now();
    source.put('shop/a', named('a'), slices('a', '10.244.1.7'));
    await clock.turn(90_000);
    expect(proxy.health()[0]?.pendingSince).toBe(changed);
    plane.problem = null;
    await clock.turn(30_000);
    expect(proxy.health()[0]?.pendingSince).toBeNull();
  });

  test('stop closes the source and leaves the kernel alone', async () => {
    const { clock, plane, proxy, source } = await started();
    await proxy.stop();
    source.put('shop/a', null);
    await clock.turn(60_000);
    expect(source.closed).toBe(true);
    expect([...plane.held.keys()]).toEqual(['shop/a', 'shop/b']);
    expect(plane.calls).toEqual(['complete']);
  });
});

describe('what only DNS reads', () => {
  test('Services that are not proxied reach neither the kernel nor the table, and their changes wake nobody', async () => {
    const { clock, source, plane, proxy, states } = setUp();
    source.setNode(node());
    source.put('shop/a', named('a'), slices('a', '10.244.1.1'));
    const hidden = slices('db', '10.244.1.2').map((one) => ({ ...one, proxied: false }));
    source.put('shop/db', service({ name: 'db', proxied: false }), hidden);
    source.synced();
    await clock.turn(2000);
    expect([...plane.held.keys()]).toEqual(['shop/a']);
    source.put('shop/db', service({ name: 'db', proxied: false, healthCheckNodePort: 30_200 }), [...hidden, ...hidden]);
    await clock.turn(5000);
    expect(plane.calls).toEqual(['complete']);
    expect(states()).toEqual(['shop/a Done']);
    expect(proxy.tally()).toMatchObject([{ dirty: 0 }]);
    source.put('shop/a', service({ name: 'a', proxied: false }), slices('a', '10.244.1.1'));
    await clock.turn(5000);
    expect([plane.calls, states()]).toEqual([['complete', 'shop/a'], []]);
  });

  test('a change of Pods or Namespaces does not even wake what waits to be tried again', async () => {
    const { clock, source, plane } = await started();
    plane.problem = { code: 'WP_TEST_DOWN', message: 'down' };
    source.put('shop/a', named('a'), slices('a', '10.244.1.9'));
    // By now it fails for the third time or so, and the next try is seconds away.
    await clock.turn(4000);
    const calls = plane.calls.length;
    source.touchPods();
    await clock.turn(1100);
    expect(plane.calls).toHaveLength(calls);
  });
});

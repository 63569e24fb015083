import { expect, test } from 'vitest';
import { ApiServer } from '../../test/api-server/api-server.ts';
import { startFilled } from '../../test/api-server/filled.ts';
import { service, slice } from '../../test/api-server/objects.ts';
import { until } from '../../test/api-server/until.ts';
import { Watcher, inStep } from '../../test/api-server/watcher.ts';
import { noDirt } from '../model/mod.ts';

test.each(['served', 'refused', 'ignored'] as const)(
  'streaming lists %s: everything is known and synced comes once, last',
  async (streaming) => {
    await using server = await startFilled();
    server.streaming = streaming;
    await using watcher = new Watcher(server);
    await inStep(server, watcher);
    expect(watcher.snapshot?.node).toMatchObject({ name: 'node-1', addresses: ['192.0.2.1'] });
    expect(watcher.snapshot?.services.size).toBe(3);
    expect(watcher.calls.filter((call) => call === 'synced')).toHaveLength(1);
    expect(watcher.calls.at(-1)).toBe('synced');
    expect(watcher.problems).toEqual([]);
    expect(server.count('list')).toBe(streaming === 'served' ? 0 : 3);

    server.put('services', service('shop', 'late', '10.96.9.9'));
    await inStep(server, watcher);
    expect(watcher.changes.at(-1)?.dirty).toEqual({ ...noDirt, services: new Set(['shop/late']) });
  },
);

test('a plain bookmark instead of the end of the initial events means no streaming', async () => {
  await using server = await startFilled();
  server.streaming = 'ignored';
  await using watcher = new Watcher(server, { timings: { streamQuietMs: 60_000 } });
  await until('the watches are open', () => server.openWatches() === 3);
  server.sendBookmarks();
  await inStep(server, watcher);
  expect(server.count('list')).toBe(3);
});

test('[SP-1] [SP-2] [SP-3] [SP-5] labels decide on the server what is watched, in every namespace', async () => {
  await using server = await startFilled();
  server.put(
    'services',
    service('other', 'foreign', '10.96.1.1', { labels: { 'service.kubernetes.io/service-proxy-name': '' } }),
  );
  server.put('services', service('other', 'headless', 'None'));
  server.put('services', service('other', 'ours', '10.96.1.2'));
  server.put('endpointslices', slice('other', 'ours-1', 'ours', ['10.0.0.9'], { 'service.kubernetes.io/headless': '' }));
  await using watcher = new Watcher(server);
  await inStep(server, watcher);
  expect([...(watcher.snapshot?.services.keys() ?? [])].toSorted()).toEqual(['other/ours', 'shop/a', 'shop/b', 'shop/c']);
  expect(watcher.snapshot?.slices.get('other/ours')).toBeUndefined();

  server.put(
    'services',
    service('shop', 'a', '10.96.0.97', { labels: { 'service.kubernetes.io/service-proxy-name': 'cilium' } }),
  );
  await until('the labelled Service is gone', () => watcher.snapshot?.services.get('shop/a') === undefined);
  server.put('services', service('shop', 'a', '10.96.0.97'));
  await until('the Service is back', () => watcher.snapshot?.services.get('shop/a') !== undefined);
  expect(server.count('stream')).toBe(3);
});

test('[SP-17] [SP-18] what does not change the record, and what is taken back at once, is no change', async () => {
  await using server = await startFilled();
  await using watcher = new Watcher(server);
  await inStep(server, watcher);
  const before = watcher.changes.length;
  server.put('services', service('shop', 'a', '10.96.0.97', { labels: { team: 'blue' } }));
  server.put('services', service('shop', 'b', '10.96.77.77'));
  server.put('services', service('shop', 'b', '10.96.0.98'));
  server.put('services', service('shop', 'end', '10.96.3.3'));
  await inStep(server, watcher);
  const dirty = new Set(watcher.changes.slice(before).flatMap((change) => [...change.dirty.services]));
  expect(dirty.has('shop/a')).toBe(false);
  expect(dirty.has('shop/end')).toBe(true);
  // Two packets may part the edit from its reversal; most often one brings both.
  expect(watcher.snapshot?.services.get('shop/b')?.clusterIps.IPv4).toBe('10.96.0.98');
});

test('a node that does not exist is no reason to wait', async () => {
  await using server = new ApiServer();
  server.put('services', service('shop', 'a', '10.96.0.1'));
  await server.start();
  await using watcher = new Watcher(server);
  await inStep(server, watcher);
  expect(watcher.snapshot?.node).toBeNull();
});

test('an empty cluster is synced without a change', async () => {
  await using server = new ApiServer();
  await server.start();
  await using watcher = new Watcher(server);
  await until('it is synced', () => watcher.synced);
  expect(watcher.calls).toEqual(['synced']);
});

test('a large list is read in pages', async () => {
  await using server = await startFilled();
  server.streaming = 'refused';
  for (let index = 0; index < 50; index += 1) server.put('services', service('many', `s-${index}`, `10.97.0.${index}`));
  await using watcher = new Watcher(server, { pageLimit: 10 });
  await inStep(server, watcher);
  expect(server.count('list', 'services')).toBe(6);
  expect(watcher.snapshot?.services.size).toBe(53);
});

test('a continue token that expires between pages leads to a list in one go', async () => {
  await using server = await startFilled();
  server.streaming = 'refused';
  server.intercept = (request) => {
    if (request.collection === 'services' && request.query['continue'] !== undefined) server.expireContinueTokens();
    return null;
  };
  await using watcher = new Watcher(server, { pageLimit: 2 });
  await inStep(server, watcher);
  const [first, second, third] = server.requests.filter(
    (request) => request.verb === 'list' && request.collection === 'services',
  );
  expect([first?.query['limit'], second?.query['continue'] !== undefined, third?.query['limit']]).toEqual(['2', true, undefined]);
  expect(watcher.codes).toEqual(['WP_KUBE_EXPIRED']);
});

test('a watch that ends the regular way is resumed without a list', async () => {
  await using server = await startFilled();
  await using watcher = new Watcher(server);
  await inStep(server, watcher);
  for (let round = 1; round <= 3; round += 1) {
    server.endWatches();
    server.put('services', service('shop', `round-${round}`, `10.96.5.${round}`));
    await until('all watches are open again', () => server.count('watch') === 3 * round && server.openWatches() === 3);
  }
  await inStep(server, watcher);
  expect([server.count('stream'), server.count('list'), server.count('watch')]).toEqual([3, 0, 9]);
  expect(watcher.problems).toEqual([]);
  expect(watcher.clock.sleeps).toEqual([]);
});

test('bookmarks move the version to resume from, past a compaction', async () => {
  await using server = await startFilled();
  await using watcher = new Watcher(server);
  await inStep(server, watcher);
  server.compact();
  server.sendBookmarks();
  server.endWatches();
  await until('all watches are resumed', () => server.count('watch') === 3 && server.openWatches() === 3);
  server.put('services', service('shop', 'd', '10.96.0.4'));
  await inStep(server, watcher);
  const version = String(server.history.version - 1);
  expect(
    server.requests.filter((request) => request.verb === 'watch').map((request) => request.query['resourceVersion']),
  ).toEqual([version, version, version]);
  expect(server.count('stream')).toBe(3);
});

test.each([
  ['event', 'served'],
  ['status', 'served'],
  ['event', 'refused'],
  ['status', 'refused'],
] as const)(
  '[SP-20] a version that is too old (410 as %s, streaming %s) is listed anew, touching only what differs',
  async (gone, streaming) => {
    await using server = await startFilled();
    server.gone = gone;
    server.streaming = streaming;
    await using watcher = new Watcher(server);
    await inStep(server, watcher);
    await until('all watches are open', () => server.openWatches() === 3);
    const before = watcher.changes.length;
    const kept = watcher.snapshot?.services.get('shop/a');
    server.endWatches();
    server.remove('services', 'shop', 'b');
    server.put('services', service('shop', 'd', '10.96.0.4'));
    server.compact();
    await inStep(server, watcher);
    expect(
      watcher.changes
        .slice(before)
        .flatMap((change) => [...change.dirty.services])
        .toSorted(),
    ).toEqual(['shop/b', 'shop/d']);
    expect(watcher.snapshot?.services.get('shop/a')).toBe(kept);
    expect(watcher.codes).toEqual(['WP_KUBE_EXPIRED']);
    expect(watcher.calls.filter((call) => call === 'synced')).toHaveLength(1);
  },
);

test('a later list shows at once, however often it gives way', async () => {
  await using server = await startFilled();
  await using watcher = new Watcher(server, { pause: nextTurn });
  await inStep(server, watcher);
  await until('all watches are open', () => server.openWatches() === 3);
  const before = watcher.changes.length;
  server.endWatches();
  server.remove('services', 'shop', 'b');
  server.put('services', service('shop', 'a', '10.96.0.200'));
  server.put('services', service('shop', 'd', '10.96.0.4'));
  server.compact();
  await inStep(server, watcher);
  expect(watcher.changes.slice(before).map((change) => [...change.dirty.services].toSorted())).toEqual([
    ['shop/a', 'shop/b', 'shop/d'],
  ]);
});

test('malformed objects are reported and leave the good ones alone', async () => {
  await using server = await startFilled();
  const broken = { metadata: { namespace: 'shop', name: 'a-1', labels: {} }, addressType: 'IPv4', endpoints: 'none' };
  server.put('services', { metadata: { name: 'no-namespace' }, spec: { clusterIP: '10.96.0.9' } });
  server.put('endpointslices', { ...broken, metadata: { namespace: 'shop', name: 'x-1' } });
  await using watcher = new Watcher(server);
  await inStep(server, watcher);
  expect(watcher.snapshot?.services.size).toBe(3);
  expect(watcher.problems.map((problem) => problem.message)).toEqual([
    expect.stringContaining('no-namespace'),
    expect.stringContaining('shop/x-1'),
  ]);

  const good = watcher.snapshot?.slices.get('shop/a');
  server.put('endpointslices', broken);
  server.put('services', service('shop', 'after', '10.96.0.10'));
  await until('the later Service is known', () => watcher.snapshot?.services.get('shop/after') !== undefined);
  await until('the malformed slice is reported', () => watcher.problems.some((problem) => problem.message.includes('shop/a-1')));
  expect(watcher.snapshot?.slices.get('shop/a')).toEqual(good);

  // A list does not take away what the watch kept.
  server.compact();
  server.endWatches();
  await until('there was a new list', () => server.count('stream', 'endpointslices') === 2 && server.openWatches() === 3);
  server.put('endpointslices', slice('shop', 'marker', 'b', ['10.0.0.77']));
  await until('the marker is known', () => watcher.snapshot?.slices.get('shop/b')?.length === 2);
  expect(watcher.snapshot?.slices.get('shop/a')).toEqual(good);

  server.remove('endpointslices', 'shop', 'a-1');
  await until('the malformed slice is gone', () => watcher.snapshot?.slices.get('shop/a') === undefined);
});

test('garbage in a watch leads to a list, for nobody knows what it meant', async () => {
  await using server = await startFilled();
  await using watcher = new Watcher(server);
  await inStep(server, watcher);
  let spoiled = false;
  server.intercept = (request) => {
    if (spoiled || request.verb !== 'watch' || request.collection !== 'services') return null;
    spoiled = true;
    const strange = '{"type":"SURPRISE","object":{}}';
    return { kind: 'lines', lines: [strange, '<html>Bad Gateway</html>'], after: 'go-on' };
  };
  server.endWatches();
  await until('services were listed again', () => server.count('stream', 'services') === 2);
  server.put('services', service('shop', 'd', '10.96.0.4'));
  await inStep(server, watcher);
  expect(watcher.problems.map((problem) => problem.code)).toEqual(['WP_KUBE_NOT_AN_EVENT', 'WP_KUBE_NOT_AN_EVENT']);
});

test('[SP-21] only lists and watches of the three collections are asked for', async () => {
  await using server = await startFilled();
  await using watcher = new Watcher(server);
  await inStep(server, watcher);
  expect(server.requests.map((request) => `${request.verb} ${request.collection}`).toSorted()).toEqual([
    'stream endpointslices',
    'stream nodes',
    'stream services',
  ]);
  const node1 = server.requests.find((request) => request.collection === 'nodes');
  expect(node1?.query['fieldSelector']).toBe('metadata.name=node-1');
});

test('after close nothing is said any more and nothing is open', async () => {
  await using server = await startFilled();
  const watcher = new Watcher(server);
  await inStep(server, watcher);
  await watcher.close();
  await until('the server has no watch left', () => server.openWatches() === 0);
  const said = watcher.calls.length;
  const asked = server.requests.length;
  server.put('services', service('shop', 'd', '10.96.0.4'));
  await nextTurn();
  expect([watcher.calls.length, watcher.problems.length, server.requests.length]).toEqual([said, 0, asked]);
});

test('a source that never reaches its server can be closed', async () => {
  const server = await startFilled();
  await server.close();
  const watcher = new Watcher(server);
  await until('it has tried', () => watcher.problems.length > 0);
  await watcher.close();
  expect(watcher.calls).toEqual([]);
});

function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

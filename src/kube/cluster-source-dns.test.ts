import { describe, expect, test } from 'vitest';
import { ApiServer } from '../../test/api-server/api-server.ts';
import { startFilled } from '../../test/api-server/filled.ts';
import { externalService, headlessService, namespaceObject, pod, service, slice } from '../../test/api-server/objects.ts';
import { until } from '../../test/api-server/until.ts';
import { Watcher, inStep, knownState } from '../../test/api-server/watcher.ts';
import type { DnsData } from '../model/mod.ts';
import { noDirt } from '../model/mod.ts';

const dns: DnsData = { pods: 'none', keepLabels: false };

/** `startFilled` with what only DNS reads. */
async function startWhole(): Promise<ApiServer> {
  const server = await startFilled();
  const other = { labels: { 'service.kubernetes.io/service-proxy-name': 'cilium' } };
  server.put('namespaces', namespaceObject('shop', { team: 'blue' }));
  server.put('namespaces', namespaceObject('empty'));
  server.put('services', headlessService('shop', 'db'));
  server.put('endpointslices', slice('shop', 'db-1', 'db', ['10.0.0.9'], { 'service.kubernetes.io/headless': '' }));
  server.put('services', externalService('shop', 'web', 'www.example.com'));
  server.put('services', service('shop', 'theirs', '10.96.7.7', other));
  server.put('pods', pod('shop', 'here', ['10.244.1.5', 'fd00:0::5']));
  server.put('pods', pod('shop', 'there', ['10.244.2.5'], { nodeName: 'node-2' }));
  server.put('pods', pod('shop', 'done', ['10.244.1.6'], { phase: 'Succeeded' }));
  server.put('pods', pod('shop', 'leaving', ['10.244.1.7'], { deletionTimestamp: '2026-05-01T10:20:30Z' }));
  return server;
}

function keysOf(lookup: Iterable<readonly [string, unknown]> | null | undefined): string[] | null {
  return lookup === null || lookup === undefined ? null : [...lookup].map(([key]) => key).toSorted();
}

describe('what is asked for', () => {
  test('without DNS nothing but what a proxy needs', async () => {
    await using server = await startWhole();
    await using watcher = new Watcher(server);
    await inStep(server, watcher);
    const asked = server.requests.map(({ collection, query }) => [collection, query['labelSelector'], query['fieldSelector']]);
    expect(asked.toSorted()).toEqual([
      ['endpointslices', '!service.kubernetes.io/headless', undefined],
      ['nodes', undefined, 'metadata.name=node-1'],
      ['services', '!service.kubernetes.io/service-proxy-name', 'spec.clusterIP!=None'],
    ]);
    expect(watcher.snapshot).toMatchObject({ listed: false, namespaces: null, pods: null });
    expect(keysOf(watcher.snapshot?.services)).toEqual(['shop/a', 'shop/b', 'shop/c', 'shop/web']);
  });

  test.each(['served', 'refused'] as const)('[DNS-9] with DNS everything, streaming lists %s', async (streaming) => {
    await using server = await startWhole();
    server.streaming = streaming;
    server.put('namespaces', {
      ...namespaceObject('ending'),
      metadata: { name: 'ending', deletionTimestamp: '2026-05-01T10:20:30Z' },
    });
    await using watcher = new Watcher(server, { dns, pageLimit: 2 });
    await inStep(server, watcher);
    const { snapshot } = watcher;
    expect(snapshot).toMatchObject({ listed: true, pods: null });
    expect(keysOf(snapshot?.namespaces)).toEqual(['empty', 'ending', 'shop']);
    expect(keysOf(snapshot?.services)).toEqual(['shop/a', 'shop/b', 'shop/c', 'shop/db', 'shop/theirs', 'shop/web']);
    expect([...(snapshot?.services ?? [])].filter(([, { proxied }]) => !proxied).map(([key]) => key)).toEqual(
      expect.arrayContaining(['shop/db', 'shop/theirs']),
    );
    expect(snapshot?.services.get('shop/web')).toMatchObject({ type: 'ExternalName', externalName: 'www.example.com' });
    expect(snapshot?.slices.get('shop/db')).toMatchObject([{ proxied: false, endpoints: [{ address: '10.0.0.9' }] }]);
    expect(snapshot?.namespaces?.get('shop')?.labels).toEqual({});
    expect(watcher.problems).toEqual([]);
    expect(server.count('list', 'pods') + server.count('stream', 'pods')).toBe(0);
  });

  test('labels where somebody asked', async () => {
    await using server = await startWhole();
    await using watcher = new Watcher(server, { dns: { ...dns, keepLabels: true } });
    await inStep(server, watcher);
    expect(watcher.snapshot?.namespaces?.get('shop')?.labels).toEqual({ team: 'blue' });
  });

  test.each([
    ['node', ['shop/here']],
    ['all', ['shop/here', 'shop/there']],
  ] as const)('Pods that have not ended: %s', async (pods, known) => {
    await using server = await startWhole();
    await using watcher = new Watcher(server, { dns: { ...dns, pods } });
    await inStep(server, watcher);
    expect(keysOf(watcher.snapshot?.pods)).toEqual(known);
    expect(watcher.snapshot?.pods?.get('shop/here')?.addresses).toEqual(['10.244.1.5', 'fd00::5']);
  });
});

test('Namespaces and Pods are followed; a Pod goes when it ends and when its end begins', async () => {
  await using server = await startWhole();
  await using watcher = new Watcher(server, { dns: { ...dns, pods: 'all' } });
  await inStep(server, watcher);
  server.put('namespaces', namespaceObject('new'));
  await inStep(server, watcher);
  expect(watcher.changes.at(-1)?.dirty).toEqual({ ...noDirt, namespaces: new Set(['new']) });
  server.put('namespaces', namespaceObject('new', { a: 'label that nobody asked for' }));
  server.remove('namespaces', undefined, 'new');
  await inStep(server, watcher);
  expect(keysOf(watcher.snapshot?.namespaces)).toEqual(['empty', 'shop']);
  server.put('pods', pod('shop', 'here', ['10.244.1.5'], { phase: 'Failed' }));
  server.put('pods', pod('shop', 'there', ['10.244.2.5'], { nodeName: 'node-2', deletionTimestamp: '2026-05-01T10:20:30Z' }));
  await inStep(server, watcher);
  expect(watcher.snapshot?.pods?.size).toBe(0);
  server.put('pods', pod('shop', 'there', ['10.244.2.6'], { nodeName: 'node-2' }));
  await inStep(server, watcher);
  expect(watcher.changes.at(-1)?.dirty).toEqual({ ...noDirt, pods: new Set(['shop/there']) });
});

test('a list that shows for the first time names nothing, and shows even where it is empty', async () => {
  await using server = new ApiServer();
  await server.start();
  await using watcher = new Watcher(server, { dns: { ...dns, pods: 'all' } });
  await until('all is listed', () => watcher.snapshot?.listed === true && watcher.snapshot.pods !== null);
  await inStep(server, watcher);
  expect(watcher.snapshot?.namespaces?.size).toBe(0);
  for (const { dirty } of watcher.changes) expect(dirty).toEqual(noDirt);
});

describe('a proxy does not wait for what only DNS needs', () => {
  test('Namespaces that may not be read', async () => {
    await using server = await startWhole();
    let forbidden = true;
    server.intercept = ({ collection }) =>
      collection === 'namespaces' && forbidden ? { kind: 'status', status: 403, reason: 'Forbidden' } : null;
    await using watcher = new Watcher(server, { dns });
    await until('it is synced', () => watcher.synced);
    expect(watcher.snapshot).toMatchObject({ listed: true, namespaces: null });
    await until('it is told', () => watcher.codes.join() === 'WP_KUBE_FORBIDDEN');
    server.put('services', service('shop', 'late', '10.96.9.9'));
    await until('changes arrive', () => watcher.snapshot?.services.get('shop/late') !== undefined);
    forbidden = false;
    await inStep(server, watcher);
    expect(keysOf(watcher.snapshot?.namespaces)).toEqual(['empty', 'shop']);
    expect(watcher.calls.filter((call) => call === 'synced')).toHaveLength(1);
  });

  test('Pods that never come', async () => {
    await using server = await startWhole();
    server.intercept = ({ collection }) => (collection === 'pods' ? { kind: 'hang' } : null);
    await using watcher = new Watcher(server, { dns: { ...dns, pods: 'all' } });
    await until('it is synced', () => watcher.synced);
    await until('Namespaces are there', () => watcher.snapshot?.namespaces?.size === 2);
    expect(watcher.snapshot).toMatchObject({ listed: true, pods: null });
  });

  test('a later list of Pods holds back nothing', async () => {
    await using server = await startWhole();
    // Every write ends a turn, so that a list is long.
    const pause = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
    for (let index = 0; index < 200; index += 1) server.put('pods', pod('shop', `p-${index}`, [`10.244.3.${index}`]));
    await using watcher = new Watcher(server, { dns: { ...dns, pods: 'all' }, pause });
    await inStep(server, watcher);
    const commits = watcher.changes.length;
    server.resetWatches();
    for (let index = 0; index < 200; index += 1) server.put('pods', pod('shop', `p-${index}`, [`10.244.4.${index}`]));
    server.put('services', service('shop', 'late', '10.96.9.9'));
    server.compact();
    await inStep(server, watcher);
    const stillOld = watcher.changes.slice(commits).map(({ snapshot }) => {
      const pods = [...(snapshot.pods ?? [])].map(([, record]) => record);
      return pods.filter(({ addresses }) => addresses[0]?.startsWith('10.244.3.')).length;
    });
    expect(stillOld.some((count) => count > 0 && count < 200)).toBe(true);
  });
});

describe('[DNS-117] an API server that is gone', () => {
  test('leaves everything as it was, is looked for every ten seconds at least, and is followed again', async () => {
    await using server = await startWhole();
    await using watcher = new Watcher(server, { dns: { ...dns, pods: 'all' }, random: () => 0.999_999 });
    await inStep(server, watcher);
    const before = knownState(watcher);
    const commits = watcher.changes.length;
    const start = watcher.clock.now();
    const slept = watcher.clock.sleeps.length;
    await server.close();
    await until('ten minutes have passed', () => watcher.clock.now() >= start + 600_000);
    expect(knownState(watcher)).toBe(before);
    expect(watcher.changes).toHaveLength(commits);
    const sleeps = watcher.clock.sleeps.slice(slept);
    expect(Math.max(...sleeps)).toBeLessThanOrEqual(10_000);
    expect(Math.max(...sleeps)).toBeGreaterThan(9000);
    await server.start();
    server.put('namespaces', namespaceObject('new'));
    server.remove('pods', 'shop', 'here');
    await inStep(server, watcher);
  });

  test('a history that was forgotten takes away nothing that is still there', async () => {
    await using server = await startWhole();
    await using watcher = new Watcher(server, { dns: { ...dns, pods: 'all' } });
    await inStep(server, watcher);
    const commits = watcher.changes.length;
    for (let round = 0; round < 3; round += 1) {
      server.put('namespaces', namespaceObject(`new-${round}`));
      server.compact();
      server.resetWatches();
      await inStep(server, watcher);
    }
    for (const { snapshot } of watcher.changes.slice(commits)) {
      expect(keysOf(snapshot.namespaces)).toEqual(expect.arrayContaining(['empty', 'shop']));
      expect(keysOf(snapshot.pods)).toEqual(['shop/here', 'shop/there']);
      expect(snapshot.services.size).toBe(6);
    }
  });
});

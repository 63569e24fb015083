import { describe, expect, test } from 'vitest';
import { startFilled } from '../../test/api-server/filled.ts';
import { node, service } from '../../test/api-server/objects.ts';
import { until } from '../../test/api-server/until.ts';
import { Watcher, inStep, knownState } from '../../test/api-server/watcher.ts';
import { noDirt } from '../model/mod.ts';
import type { Snapshot } from '../model/mod.ts';

const ingress = { nodes: true };

function namesOf(snapshot: Snapshot | null): readonly string[] | null {
  return snapshot?.nodes === null || snapshot === null ? null : [...snapshot.nodes.keys()].toSorted();
}

describe('which Nodes are asked for', () => {
  test.each([
    ['nobody asked', {}],
    ['ingress does without', { ingress: { nodes: false } }],
  ])('the own one where %s', async (_, options) => {
    await using server = await startFilled();
    server.put('nodes', { metadata: { name: 'node-1', labels: { edge: 'yes' } }, spec: {} });
    await using watcher = new Watcher(server, options);
    await inStep(server, watcher);
    const asked = server.requests.filter(({ collection }) => collection === 'nodes').map(({ query }) => query['fieldSelector']);
    expect(new Set(asked)).toEqual(new Set(['metadata.name=node-1']));
    expect(watcher.snapshot?.nodes).toBeNull();
    expect(watcher.snapshot?.node).toMatchObject({ name: 'node-1', labels: 'ingress' in options ? { edge: 'yes' } : {} });
    const commits = watcher.changes.length;
    server.put('nodes', node('node-2', '192.0.2.22'));
    server.put('services', service('shop', 'late', '10.96.9.9'));
    await inStep(server, watcher);
    expect(watcher.changes.slice(commits).map(({ dirty }) => dirty)).toEqual([{ ...noDirt, services: new Set(['shop/late']) }]);
  });

  test.each(['served', 'refused'] as const)('all where ingress asks, streaming lists %s, with one watch', async (streaming) => {
    await using server = await startFilled();
    server.streaming = streaming;
    for (let index = 3; index <= 9; index += 1) server.put('nodes', node(`node-${index}`, `192.0.2.${index}`));
    await using watcher = new Watcher(server, { ingress, pageLimit: 2 });
    await inStep(server, watcher);
    expect(namesOf(watcher.snapshot)).toEqual(Array.from({ length: 9 }, (_, index) => `node-${index + 1}`));
    expect(watcher.snapshot?.node).toMatchObject({ name: 'node-1', addresses: ['192.0.2.1'] });
    await until('it is watched', () => server.openWatches('nodes') > 0);
    expect(server.openWatches('nodes')).toBe(1);
    expect(watcher.problems).toEqual([]);
    for (const { dirty } of watcher.changes) expect(dirty.nodes.size).toBe(0);
  });
});

test('[INGRESS-40] Nodes come, change and go, and only those that differ are named', async () => {
  await using server = await startFilled();
  await using watcher = new Watcher(server, { ingress });
  await inStep(server, watcher);
  server.put('nodes', { ...node('node-3', '192.0.2.3'), metadata: { name: 'node-3', labels: { edge: '' } } });
  await inStep(server, watcher);
  expect(watcher.changes.at(-1)?.dirty).toEqual({ ...noDirt, nodes: new Set(['node-3']) });
  expect(watcher.snapshot?.nodes?.get('node-3')?.labels).toEqual({ edge: '' });
  server.put('nodes', {
    ...node('node-2', '192.0.2.2'),
    metadata: { name: 'node-2', annotations: { 'waypost.dev/node-weight': '4' } },
  });
  await inStep(server, watcher);
  expect(watcher.changes.at(-1)?.dirty).toEqual({ ...noDirt, nodes: new Set(['node-2']) });
  expect(watcher.snapshot?.nodes?.get('node-2')?.weight).toBe(4);
  const commits = watcher.changes.length;
  // A heartbeat: another version of the object, and nothing in it that counts.
  server.put('nodes', { ...node('node-3', '192.0.2.3'), metadata: { name: 'node-3', labels: { edge: '' }, managedFields: [] } });
  server.remove('nodes', undefined, 'node-2');
  await inStep(server, watcher);
  expect(watcher.changes.slice(commits).map(({ dirty }) => dirty)).toEqual([{ ...noDirt, nodes: new Set(['node-2']) }]);
  server.put('nodes', node('node-1', '192.0.2.11'));
  await inStep(server, watcher);
  expect(watcher.changes.at(-1)?.dirty).toEqual({ ...noDirt, node: true, nodes: new Set(['node-1']) });
});

test('the own Node goes from the list of all, and stays as it was last seen', async () => {
  await using server = await startFilled();
  await using watcher = new Watcher(server, { ingress });
  await inStep(server, watcher);
  const last = watcher.snapshot?.node;
  server.remove('nodes', undefined, 'node-1');
  await inStep(server, watcher);
  expect(namesOf(watcher.snapshot)).toEqual(['node-2']);
  expect(watcher.snapshot?.node).toBe(last);
  expect(watcher.changes.at(-1)?.dirty).toEqual({ ...noDirt, nodes: new Set(['node-1']) });
});

test('a proxy waits for all of them: without the others it would take away what serves their back ends', async () => {
  await using server = await startFilled();
  let hanging = true;
  server.intercept = ({ collection }) =>
    collection === 'nodes' && hanging ? { kind: 'status', status: 503, reason: 'x' } : null;
  await using watcher = new Watcher(server, { ingress });
  await until('Services are there', () => watcher.snapshot?.services.size === 3 && watcher.snapshot.slices.size === 3);
  await until('it was tried again', () => watcher.codes.includes('WP_KUBE_STATUS') && server.count('stream', 'nodes') > 1);
  expect([watcher.synced, watcher.snapshot?.nodes]).toEqual([false, null]);
  hanging = false;
  await inStep(server, watcher);
  expect(namesOf(watcher.snapshot)).toEqual(['node-1', 'node-2']);
});

test('a history that was forgotten shows no Node less, and a later list shows as a whole', async () => {
  await using server = await startFilled();
  // Every write ends a turn, so that a list is long.
  const pause = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  for (let index = 3; index < 60; index += 1) server.put('nodes', node(`node-${index}`, `192.0.2.${index}`));
  await using watcher = new Watcher(server, { ingress, pause });
  await inStep(server, watcher);
  const commits = watcher.changes.length;
  server.resetWatches();
  for (let index = 3; index < 60; index += 1) server.put('nodes', node(`node-${index}`, `198.51.100.${index}`));
  server.compact();
  await inStep(server, watcher);
  const moved = watcher.changes.slice(commits).map(({ snapshot }) => {
    expect(snapshot.nodes?.size).toBe(59);
    return [...(snapshot.nodes ?? [])].filter(([, { addresses }]) => addresses[0]?.startsWith('198.51.100.')).length;
  });
  expect(new Set(moved)).toEqual(new Set([57]));
});

test('an API server that is gone leaves all Nodes as they were', async () => {
  await using server = await startFilled();
  await using watcher = new Watcher(server, { ingress });
  await inStep(server, watcher);
  const before = knownState(watcher);
  await server.close();
  const start = watcher.clock.now();
  await until('ten minutes have passed', () => watcher.clock.now() >= start + 600_000);
  expect(knownState(watcher)).toBe(before);
  await server.start();
  server.remove('nodes', undefined, 'node-2');
  await inStep(server, watcher);
  expect(namesOf(watcher.snapshot)).toEqual(['node-1']);
});

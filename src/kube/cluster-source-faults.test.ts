import { expect, test } from 'vitest';
import { startFilled } from '../../test/api-server/filled.ts';
import { History } from '../../test/api-server/history.ts';
import { service } from '../../test/api-server/objects.ts';
import { until } from '../../test/api-server/until.ts';
import { Watcher, inStep, knownState } from '../../test/api-server/watcher.ts';

test('a connection that breaks in the middle of an event loses nothing', async () => {
  await using server = await startFilled();
  await using watcher = new Watcher(server);
  await inStep(server, watcher);
  server.resetWatches('{"type":"DELETED","object":{"kind":"Service","metadata":{"namespace":"shop","na');
  server.put('services', service('shop', 'd', '10.96.0.4'));
  server.remove('endpointslices', 'shop', 'a-1');
  await inStep(server, watcher);
  expect(server.count('stream')).toBe(3);
  expect(watcher.codes).toEqual(['WP_KUBE_RESET']);
});

test.each(['served', 'refused'] as const)(
  'lists that break off in the middle are read again (streaming %s)',
  async (streaming) => {
    await using server = await startFilled();
    server.streaming = streaming;
    let broken = 0;
    server.intercept = () => {
      broken += 1;
      return broken <= 6 ? { kind: 'cut', afterBytes: 300 } : null;
    };
    await using watcher = new Watcher(server);
    await inStep(server, watcher);
    expect(watcher.codes).toEqual(['WP_KUBE_RESET']);
    expect(watcher.calls.filter((call) => call === 'synced')).toHaveLength(1);
  },
);

test('a minute of 500s is waited out with growing delays', async () => {
  await using server = await startFilled();
  await using watcher = new Watcher(server);
  await inStep(server, watcher);
  const start = watcher.clock.now();
  server.intercept = () => (watcher.clock.now() < start + 60_000 ? { kind: 'status', status: 500 } : null);
  server.endWatches();
  server.put('services', service('shop', 'd', '10.96.0.4'));
  const before = knownState(watcher);
  await until('a minute has passed', () => {
    expect(watcher.clock.now() < start + 60_000 ? knownState(watcher) : before).toBe(before);
    return watcher.clock.now() >= start + 60_000;
  });
  await inStep(server, watcher);
  expect(server.count('stream')).toBe(3);
  // 0.8 s doubling to 30 s: at most seven tries of each of the three watches in a minute, and one good one.
  expect(server.count('watch')).toBeLessThanOrEqual(3 * 8);
});

test('429 is answered by staying away for as long as the server asks', async () => {
  await using server = await startFilled();
  let refused = 0;
  server.intercept = (request) => {
    if (request.collection !== 'services' || refused >= 2) return null;
    refused += 1;
    return { kind: 'status', status: 429, retryAfter: 77 };
  };
  await using watcher = new Watcher(server);
  await inStep(server, watcher);
  expect(watcher.clock.sleeps).toEqual([77_000, 77_000]);
  expect(watcher.codes).toEqual(['WP_KUBE_BUSY']);
});

test('[SP-19] an API server that is gone for ten minutes and returns with other objects', async () => {
  await using server = await startFilled();
  await using watcher = new Watcher(server);
  await inStep(server, watcher);
  const start = watcher.clock.now();
  const before = knownState(watcher);
  const said = watcher.problems.length;
  await server.close();
  await until('ten minutes have passed', () => watcher.clock.now() >= start + 600_000);
  expect(knownState(watcher)).toBe(before);
  const unreachable = watcher.problems.slice(said).filter((problem) => problem.code === 'WP_KUBE_UNREACHABLE');
  const minutes = (watcher.clock.now() - start) / 60_000;
  expect(unreachable.length).toBeGreaterThanOrEqual(1);
  expect(unreachable.length).toBeLessThanOrEqual(minutes + 1);

  // Restored from a backup: an earlier version and, in part, other objects.
  server.history = new History();
  server.put('services', service('shop', 'a', '10.96.0.97'));
  server.put('services', service('shop', 'z', '10.96.0.122'));
  await server.start();
  await inStep(server, watcher);
  expect([...(watcher.snapshot?.services.keys() ?? [])].toSorted()).toEqual(['shop/a', 'shop/z']);
  // The Node is not among what came back; it stays as last seen (specification 1.4).
  expect(watcher.snapshot?.node?.name).toBe('node-1');
  expect(watcher.calls.filter((call) => call === 'synced')).toHaveLength(1);
});

test('a server that cannot be reached at start is tried for ever and mentioned once a minute', async () => {
  const server = await startFilled();
  await server.close();
  await using watcher = new Watcher(server);
  const start = watcher.clock.now();
  await until('an hour has passed', () => watcher.clock.now() >= start + 3_600_000);
  expect(watcher.calls).toEqual([]);
  expect(watcher.codes).toEqual(['WP_KUBE_UNREACHABLE']);
  expect(watcher.problems.length).toBeLessThanOrEqual(62);
  expect(watcher.problems.length).toBeGreaterThan(20);
  await server.start();
  await inStep(server, watcher);
  await server.close();
});

test('a server that went back in time shows by its versions', async () => {
  await using server = await startFilled();
  await using watcher = new Watcher(server);
  await inStep(server, watcher);
  server.history = new History();
  server.put('services', service('shop', 'only', '10.96.0.5'));
  await until('the only Service is known', () => watcher.snapshot?.services.size === 1);
  expect(watcher.codes).toContain('WP_KUBE_EXPIRED');
});

test('a slow list arrives whole', async () => {
  await using server = await startFilled();
  server.streaming = 'refused';
  server.intercept = (request) => (request.verb === 'list' ? { kind: 'slow', pieceBytes: 200, pauseMs: 1 } : null);
  await using watcher = new Watcher(server);
  await inStep(server, watcher);
  expect(watcher.problems).toEqual([]);
});

test('a server that accepts and says nothing is given up and tried again', async () => {
  await using server = await startFilled();
  let hung = 0;
  server.intercept = (request) => {
    if (request.collection !== 'services' || hung > 0) return null;
    hung += 1;
    return { kind: 'hang' };
  };
  await using watcher = new Watcher(server, { timings: { requestIdleMs: 100 } });
  await inStep(server, watcher);
  expect(watcher.codes).toEqual(['WP_KUBE_SILENT']);
});

test('a watch that is silent beyond its own end is dropped and resumed', async () => {
  await using server = await startFilled();
  await using watcher = new Watcher(server, { timings: { watchSeconds: 0, watchGraceMs: 100 } });
  await inStep(server, watcher);
  await until('dead watches were replaced', () => server.count('watch') >= 6);
  expect(watcher.codes).toEqual(['WP_KUBE_SILENT']);
  expect(server.count('stream')).toBe(3);
  server.put('services', service('shop', 'd', '10.96.0.4'));
  await inStep(server, watcher);
});

test('watches that end at once are backed off, not repeated in a loop', async () => {
  await using server = await startFilled();
  await using watcher = new Watcher(server, { timings: { shortWatchMs: 1000 } });
  await inStep(server, watcher);
  const start = watcher.clock.now();
  server.intercept = (request) => (request.verb === 'watch' ? { kind: 'lines', lines: [], after: 'end' } : null);
  server.endWatches();
  await until('two minutes have passed', () => watcher.clock.now() >= start + 120_000);
  expect(server.count('watch')).toBeLessThanOrEqual(3 * 12);
  expect(watcher.codes).toEqual(['WP_KUBE_SHORT_WATCH']);
  expect(server.count('stream')).toBe(3);
});

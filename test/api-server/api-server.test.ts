import { expect, test } from 'vitest';
import { ApiServer } from './api-server.ts';
import { service } from './objects.ts';

async function startWith(names: readonly string[]): Promise<ApiServer> {
  const server = new ApiServer();
  for (const name of names) server.put('services', service('ns', name, '10.96.0.1'));
  await server.start();
  return server;
}

async function get(
  server: ApiServer,
  query: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: any }> {
  const response = await fetch(`${server.url}/api/v1/services?${query}`, { headers });
  return { status: response.status, body: await response.json() };
}

/** The first lines of a watch. */
async function watchLines(server: ApiServer, query: string, count: number): Promise<any[]> {
  const response = await fetch(`${server.url}/api/v1/services?watch=true&${query}`);
  const lines: any[] = [];
  let rest = '';
  for await (const chunk of response.body ?? []) {
    rest += Buffer.from(chunk).toString();
    const parts = rest.split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts.map((line) => JSON.parse(line)));
    if (lines.length >= count) break;
  }
  return lines;
}

test('pages hold the state of the first one', async () => {
  await using server = await startWith(['a', 'b', 'c']);
  const first = await get(server, 'limit=2');
  expect(first.body.items.map((item: any) => item.metadata.name)).toEqual(['a', 'b']);
  expect(first.body.metadata).toMatchObject({ resourceVersion: '4', remainingItemCount: 1 });
  server.put('services', service('ns', 'd', '10.96.0.1'));
  const second = await get(server, `limit=2&continue=${first.body.metadata.continue}`);
  expect(second.body.items.map((item: any) => item.metadata.name)).toEqual(['c']);
  expect(second.body.metadata).toEqual({ resourceVersion: '4' });
  server.compact();
  expect(await get(server, `continue=${first.body.metadata.continue}`)).toMatchObject({
    status: 410,
    body: { kind: 'Status', reason: 'Expired' },
  });
});

test('a watch repeats what was missed and goes on', async () => {
  await using server = await startWith(['a', 'b']);
  const watched = watchLines(server, 'resourceVersion=2', 4);
  await expect.poll(() => server.openWatches()).toBe(1);
  server.put('services', service('ns', 'a', '10.96.0.2'));
  server.remove('services', 'ns', 'b');
  server.put('services', service('ns', 'a', '10.96.0.2', { labels: { hidden: '' } }));
  const lines = await watched;
  expect(lines.map((line) => [line.type, line.object.metadata.name, line.object.metadata.resourceVersion])).toEqual([
    ['ADDED', 'b', '3'],
    ['MODIFIED', 'a', '4'],
    ['DELETED', 'b', '5'],
    ['MODIFIED', 'a', '6'],
  ]);
  expect(lines[0].object).toMatchObject({ kind: 'Service', apiVersion: 'v1' });
});

test('an object that leaves the selection arrives as deleted, one that enters as added', async () => {
  await using server = await startWith(['a']);
  const watched = watchLines(server, 'labelSelector=!hidden&resourceVersion=2', 2);
  await expect.poll(() => server.openWatches()).toBe(1);
  server.put('services', service('ns', 'a', '10.96.0.1', { labels: { hidden: 'yes' } }));
  server.put('services', service('ns', 'a', '10.96.0.1'));
  expect((await watched).map((line) => [line.type, line.object.metadata.resourceVersion])).toEqual([
    ['DELETED', '3'],
    ['ADDED', '4'],
  ]);
});

test('a streaming list ends with its bookmark where it is offered', async () => {
  await using server = await startWith(['a', 'b']);
  const query = 'sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan';
  const lines = await watchLines(server, query, 3);
  expect(lines.map((line) => line.type)).toEqual(['ADDED', 'ADDED', 'BOOKMARK']);
  expect(lines[2].object.metadata).toMatchObject({ resourceVersion: '3', annotations: { 'k8s.io/initial-events-end': 'true' } });
  server.streaming = 'refused';
  expect(await get(server, `watch=true&${query}`)).toMatchObject({ status: 422, body: { reason: 'Invalid' } });
});

test('versions before a compaction are too old, as event and as status', async () => {
  await using server = await startWith(['a']);
  server.compact();
  expect(await watchLines(server, 'resourceVersion=2', 1)).toMatchObject([{ type: 'ERROR', object: { code: 410 } }]);
  server.gone = 'status';
  expect((await get(server, 'watch=true&resourceVersion=2')).status).toBe(410);
});

test('tokens are checked, faults are asked for, requests are counted', async () => {
  await using server = await startWith(['a']);
  server.tokens = new Set(['good']);
  expect((await get(server, '', { authorization: 'Bearer bad' })).status).toBe(401);
  expect((await get(server, '', { authorization: 'Bearer good' })).status).toBe(200);
  server.intercept = (request) => (request.verb === 'list' ? { kind: 'status', status: 503, retryAfter: 2 } : null);
  expect((await get(server, '', { authorization: 'Bearer good' })).status).toBe(503);
  expect([server.count('list'), server.count('list', 'nodes'), server.count('watch')]).toEqual([3, 0, 0]);
  expect((await get(server, 'labelSelector=a+in+(b)', { authorization: 'Bearer good' })).status).toBe(503);
});

test('it comes back on the same port with what it holds', async () => {
  await using server = await startWith(['a']);
  const { url } = server;
  await server.close();
  await expect(get(server, '')).rejects.toThrow('fetch failed');
  server.put('services', service('ns', 'b', '10.96.0.1'));
  expect(await server.start()).toBe(url);
  expect((await get(server, '')).body.items).toHaveLength(2);
});

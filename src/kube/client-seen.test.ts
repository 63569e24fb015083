import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import type { RequestSeen } from './client-seen.ts';
import { openCredentials } from './client-auth.ts';
import { createHttpClient } from './driver-http.ts';

test('each request is told with its method, host, status and time, and one without an answer as <error>', async () => {
  const server = createServer((_, response) => response.writeHead(410).end());
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const credentials = openCredentials({ kubeconfig: '', master: `http://127.0.0.1:${port}`, env: {} });
  if (!credentials.ok) throw new Error(credentials.problem.message);
  const seen: RequestSeen[] = [];
  const client = createHttpClient(credentials.value, { userAgent: 'test', env: {}, observeRequest: (one) => seen.push(one) });
  const request = { path: '/api/v1/services', query: {}, idleMs: 5000 };
  const answer = await client.get(request, new AbortController().signal);
  if (answer.ok) answer.value.close();
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  await client.get(request, new AbortController().signal);
  client.close();
  expect(seen.map(({ method, host, code }) => [method, host, code])).toEqual([
    ['GET', `127.0.0.1:${port}`, '410'],
    ['GET', `127.0.0.1:${port}`, '<error>'],
  ]);
  for (const { took } of seen) expect(took).toBeGreaterThanOrEqual(0);
});

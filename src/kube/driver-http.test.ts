import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { connect as connectTcp } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { ApiServer } from '../../test/api-server/api-server.ts';
import { service } from '../../test/api-server/objects.ts';
import { until } from '../../test/api-server/until.ts';
import { Watcher, inStep } from '../../test/api-server/watcher.ts';
import type { ApiResponse } from './client-api.ts';
import { openCredentials } from './client-auth.ts';
import { createHttpClient } from './driver-http.ts';

let folder = '';
const path = (name: string): string => join(folder, name);
const pem = (name: string): string => readFileSync(path(name), 'utf8');

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
}

/** Made anew for each run: keys do not belong in a repository. */
function makeCertificates(): void {
  openssl(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=test-ca',
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
  );
  writeFileSync(path('ext'), 'subjectAltName=IP:127.0.0.1\n');
  for (const name of ['server', 'client']) {
    openssl(
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
    );
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.crt',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '2',
      '-extfile',
      'ext',
      '-out',
      `${name}.crt`,
    );
  }
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'waypost-tls-'));
  makeCertificates();
});
afterAll(() => rmSync(folder, { recursive: true }));

function kubeconfig(server: string, cluster: object, user: object): string {
  const config = {
    'current-context': 'main',
    clusters: [{ name: 'here', cluster: { server, ...cluster } }],
    users: [{ name: 'me', user }],
    contexts: [{ name: 'main', context: { cluster: 'here', user: 'me' } }],
  };
  writeFileSync(path('config'), JSON.stringify(config));
  return path('config');
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function connect(master: string, env: Record<string, string> = {}): ReturnType<typeof createHttpClient> {
  const credentials = openCredentials({ kubeconfig: '', master, env });
  if (!credentials.ok) throw new Error(credentials.problem.message);
  const client = createHttpClient(credentials.value, { userAgent: 'waypost/test', env });
  onTestFinished(() => client.close());
  return client;
}

const forEver = new AbortController().signal;

async function open(client: ReturnType<typeof createHttpClient>, idleMs = 5000, signal = forEver): Promise<ApiResponse> {
  const response = await client.get({ path: '/x', query: { a: '1 2', b: '!c' }, idleMs }, signal);
  if (!response.ok) throw new Error(response.problem.code);
  return response.value;
}

test('a request says what it wants, and one connection serves many', async () => {
  const seen: unknown[] = [];
  const ports = new Set<number | undefined>();
  const url = await serve((request, response) => {
    seen.push([request.url, request.headers.accept, request.headers['user-agent'], request.headers['accept-encoding']]);
    ports.add(request.socket.remotePort);
    response.writeHead(429, { 'retry-after': '7' }).end('later');
  });
  const client = connect(`${url}/prefix/`);
  for (let round = 0; round < 3; round += 1) {
    const response = await open(client);
    expect([response.status, response.retryAfterMs]).toEqual([429, 7000]);
    expect(await response.read()).toEqual({ ok: true, value: Buffer.from('later') });
    expect(await response.read()).toEqual({ ok: true, value: null });
  }
  expect(seen[0]).toEqual(['/prefix/x?a=1+2&b=%21c', 'application/json', 'waypost/test', undefined]);
  expect(ports.size).toBe(1);
});

test('silence is told from breaks and regular ends, before and after the status line', async () => {
  const url = await serve((request, response) => {
    if (request.headers['user-agent'] === undefined) return;
    response.write('first');
  });
  const silent = await serve(() => {});
  expect(await connect(silent).get({ path: '/', query: {}, idleMs: 50 }, forEver)).toMatchObject({
    ok: false,
    problem: { code: 'WP_KUBE_SILENT', message: expect.stringContaining('0.05 s') },
  });
  const response = await open(connect(url));
  expect(await response.read()).toMatchObject({ ok: true });
  response.allowIdle(50);
  expect(await response.read()).toMatchObject({ ok: false, problem: { code: 'WP_KUBE_SILENT' } });
});

test('a broken body and an aborted one end the read', async () => {
  const url = await serve((_, response) => {
    response.write('first', () => response.destroy());
  });
  const response = await open(connect(url));
  await response.read();
  expect(await response.read()).toMatchObject({ ok: false, problem: { code: 'WP_KUBE_RESET' } });

  const endless = await serve((_, waiting) => void waiting.write('first'));
  const stop = new AbortController();
  const other = await open(connect(endless), 60_000, stop.signal);
  await other.read();
  const read = other.read();
  stop.abort();
  expect(await read).toMatchObject({ ok: false });
});

test('a closed port is unreachable; a token that cannot be a header is a credentials problem', async () => {
  const url = await serve(() => {});
  const closed = new ApiServer();
  await closed.start();
  const { url: gone } = closed;
  await closed.close();
  expect(await connect(gone).get({ path: '/', query: {}, idleMs: 1000 }, forEver)).toMatchObject({
    ok: false,
    problem: { code: 'WP_KUBE_UNREACHABLE', message: expect.stringContaining('ECONNREFUSED') },
  });
  const file = kubeconfig(url, {}, { token: 'a\nb' });
  const credentials = openCredentials({ kubeconfig: file, master: '', env: {} });
  if (!credentials.ok) throw new Error(credentials.problem.message);
  const client = createHttpClient(credentials.value, { userAgent: 'x', env: {} });
  expect(await client.get({ path: '/', query: {}, idleMs: 1000 }, forEver)).toMatchObject({
    ok: false,
    problem: { code: 'WP_KUBE_CREDENTIALS' },
  });
});

test('[DNS-117] a server that does not even refuse is given up soon: a new attempt notices sooner that it is back', async () => {
  // Nobody accepts, so the kernel takes in two connections and then lets attempts to connect fall.
  const listening = `
    const { createServer } = require('node:net');
    const { parentPort } = require('node:worker_threads');
    const server = createServer();
    server.listen(0, '127.0.0.1', 1, () => {
      parentPort.postMessage(server.address().port);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const busy = new Worker(listening, { eval: true });
  onTestFinished(async () => void (await busy.terminate()));
  const [port] = (await once(busy, 'message')) as [number];
  const queue = Array.from({ length: 4 }, () => connectTcp(port, '127.0.0.1').on('error', () => {}));
  onTestFinished(() => queue.forEach((socket) => socket.destroy()));
  await Promise.all(queue.slice(0, 2).map((socket) => once(socket, 'connect')));
  const credentials = openCredentials({ kubeconfig: '', master: `http://127.0.0.1:${port}`, env: {} });
  if (!credentials.ok) throw new Error(credentials.problem.message);
  const client = createHttpClient(credentials.value, { userAgent: 'x', env: {}, connectMs: 100 });
  const answer = await client.get({ path: '/', query: {}, idleMs: 60_000 }, new AbortController().signal);
  client.close();
  expect(answer).toMatchObject({ ok: false, problem: { code: 'WP_KUBE_UNREACHABLE' } });
  expect(answer.ok ? '' : answer.problem.message).toContain('no connection within 0.1 s');
});

test('a plugin that is still busy does not hold up an abort', async () => {
  const busy = new Promise<never>(() => {});
  const credentials = { server: new URL('http://127.0.0.1:1'), proxyUrl: null, prepare: () => busy, forget() {} };
  const client = createHttpClient(credentials, { userAgent: 'x', env: {} });
  const stop = new AbortController();
  const answer = client.get({ path: '/', query: {}, idleMs: 1000 }, stop.signal);
  stop.abort();
  expect(await answer).toMatchObject({ ok: false });
});

test('a proxy of the environment is used, but never for loopback', async () => {
  const asked: (string | undefined)[] = [];
  const proxy = await serve((request, response) => {
    asked.push(request.url);
    response.end('{}');
  });
  const url = await serve((_, response) => void response.end('direct'));
  const env = { HTTP_PROXY: proxy };
  expect(await (await open(connect(url, env))).read()).toEqual({ ok: true, value: Buffer.from('direct') });
  await open(connect('http://api.invalid', env));
  expect(asked).toEqual(['http://api.invalid/x?a=1+2&b=%21c']);
});

function tlsServer(): ApiServer {
  return new ApiServer({
    tls: { key: pem('server.key'), cert: pem('server.crt'), ca: pem('ca.crt'), requestCert: true, rejectUnauthorized: true },
  });
}

test('HTTPS with a client certificate: list and watch work', async () => {
  await using server = tlsServer();
  server.put('services', service('shop', 'a', '10.96.0.1'));
  await server.start();
  const file = kubeconfig(
    server.url,
    { 'certificate-authority': 'ca.crt' },
    { 'client-certificate': 'client.crt', 'client-key': 'client.key' },
  );
  await using watcher = new Watcher(server, { kubeconfig: file });
  await inStep(server, watcher);
  expect(watcher.problems).toEqual([]);
});

test.each([
  ['the server is not trusted', {}, { 'client-certificate': 'client.crt', 'client-key': 'client.key' }, 'WP_KUBE_TLS'],
  ['the certificate is unreadable', { 'certificate-authority': 'none.crt' }, {}, 'WP_KUBE_CREDENTIALS'],
])('where %s it says so and keeps trying', async (_, cluster, user, code) => {
  await using server = tlsServer();
  await server.start();
  await using watcher = new Watcher(server, { kubeconfig: kubeconfig(server.url, cluster, user) });
  const start = watcher.clock.now();
  await until('ten minutes have passed', () => watcher.clock.now() > start + 600_000);
  expect([watcher.codes, watcher.synced]).toEqual([[code], false]);
});

test('certificates that arrive later are picked up without a restart', async () => {
  await using server = tlsServer();
  server.put('services', service('shop', 'a', '10.96.0.1'));
  await server.start();
  const user = { 'client-certificate': 'late.crt', 'client-key': 'late.key' };
  await using watcher = new Watcher(server, { kubeconfig: kubeconfig(server.url, { 'certificate-authority': 'ca.crt' }, user) });
  await until('it has complained', () => watcher.codes.includes('WP_KUBE_CREDENTIALS'));
  writeFileSync(path('late.key'), pem('client.key'));
  writeFileSync(path('late.crt'), pem('client.crt'));
  await inStep(server, watcher);
  expect(watcher.codes).toEqual(['WP_KUBE_CREDENTIALS']);
});

test('a token that expires is replaced by the one in its file, and nothing is missed', async () => {
  await using server = new ApiServer();
  server.tokens = new Set(['first']);
  server.put('services', service('shop', 'a', '10.96.0.1'));
  await server.start();
  writeFileSync(path('token'), 'first\n');
  await using watcher = new Watcher(server, { kubeconfig: kubeconfig(server.url, {}, { tokenFile: 'token' }) });
  await inStep(server, watcher);
  server.tokens = new Set(['second']);
  server.endWatches();
  server.put('services', service('shop', 'b', '10.96.0.2'));
  await until('the expired token was refused', () => watcher.codes.includes('WP_KUBE_UNAUTHORIZED'));
  writeFileSync(path('token'), 'second\n');
  await inStep(server, watcher);
  expect(server.count('stream')).toBe(3);
});

import { describe, expect, test, vi } from 'vitest';
import { systemClock } from './clock.ts';
import { createDebugServer } from './debug-server.ts';
import type { DebugServerOptions } from './debug-server.ts';
import { parseExposition } from './exposition.fixture.ts';
import { FakeClock } from './fake-clock.fixture.ts';
import type { HealthView } from './health.ts';
import { createHealthServer } from './health-server.ts';
import { ask } from './http-request.fixture.ts';
import { Registry } from './metrics.ts';
import type { StatusReport } from './status-report.ts';

function ignore(): void {}

test('[SP-116] /healthz and /livez answer with the headers and body of the contract, and are counted', async () => {
  const registry = new Registry();
  let view: HealthView = { families: [], nodeEligible: false, synced: false };
  await using server = createHealthServer({
    host: '127.0.0.1',
    port: 0,
    view: () => view,
    patience: () => 60_000,
    registry,
    clock: new FakeClock(Date.parse('2026-01-02T03:04:05Z')),
    report: ignore,
  });
  await server.start();
  const port = server.bound[0]?.port ?? 0;
  expect((await ask('127.0.0.1', port, '/healthz')).status).toBe(503);
  view = { families: [], nodeEligible: true, synced: true };
  const answer = await ask('127.0.0.1', port, '/healthz');
  expect(answer).toMatchObject({
    status: 200,
    headers: { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' },
    body: '{"lastUpdated":"2026-01-02T03:04:05Z","currentTime":"2026-01-02T03:04:05Z","nodeEligible":true,"healthy":true}',
  });
  expect((await ask('127.0.0.1', port, '/livez')).status).toBe(200);
  expect((await ask('127.0.0.1', port, '/')).status).toBe(404);
  const lines = registry.render().split('\n');
  expect(lines).toContain('kubeproxy_proxy_healthz_total{code="503"} 1');
  expect(lines).toContain('kubeproxy_proxy_healthz_total{code="200"} 1');
  expect(lines).toContain('kubeproxy_proxy_livez_total{code="200"} 1');
});

test('[SP-132] the debug pages', async () => {
  const report: StatusReport = {
    mode: 'iptables',
    synced: true,
    rows: [
      {
        family: 'IPv4',
        service: 'default/web',
        servicePort: 'default/web:http/TCP',
        kind: 'ClusterIP',
        address: '10.96.0.10',
        protocol: 'TCP',
        port: 80,
        backends: 3,
        verdict: 'forward',
        state: 'Done',
        since: 1,
        reason: '',
        code: '',
      },
    ],
  };
  const registry = new Registry();
  registry.counter({ name: 'a_total', help: 'A.' }).add([]);
  await using server = createDebugServer({
    host: '127.0.0.1',
    port: 0,
    mode: 'iptables',
    version: '1.2.3',
    flags: () =>
      new Map([
        ['v', '4'],
        ['cluster-cidr', '10.0.0.0/8'],
      ]),
    statusz: true,
    setVerbosity: null,
    configuration: () => ({ kind: 'KubeProxyConfiguration', mode: 'iptables' }),
    registry,
    status: () => report,
    connections: async () => ({ mode: 'iptables', families: [], problems: [] }),
    startedAt: 1_700_000_000_500,
    clock: systemClock,
    report: ignore,
  });
  await server.start();
  const get = (path: string): ReturnType<typeof ask> => ask('127.0.0.1', server.bound[0]?.port ?? 0, path);
  const plain = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' };
  expect(await get('/proxyMode')).toMatchObject({ status: 200, body: 'iptables', headers: plain });
  expect(await get('/healthz')).toMatchObject({ status: 200, body: 'ok', headers: plain });
  expect(await get('/healthz/ping')).toMatchObject({ status: 200, body: 'ok' });
  expect((await get('/configz')).body).toBe('{"kubeproxy.config.k8s.io":{"kind":"KubeProxyConfiguration","mode":"iptables"}}');
  expect(JSON.parse((await get('/services')).body)).toEqual(report);
  expect(JSON.parse((await get('/connections')).body)).toEqual({ mode: 'iptables', families: [], problems: [] });
  expect(await get('/metrics')).toMatchObject({
    status: 200,
    body: '# HELP a_total A.\n# TYPE a_total counter\na_total 1\n',
    headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'process-start-time-unix': '1700000000' },
  });
  const flagz = await get('/flagz');
  expect(flagz).toMatchObject({ status: 200, headers: plain });
  expect(flagz.body).toMatch(/^waypost flagz\n(.|\n)*\ncluster-cidr=10\.0\.0\.0\/8\nv=4\n$/);
  const statusz = await get('/statusz');
  expect(statusz).toMatchObject({ status: 200, headers: plain });
  expect(statusz.body).toContain('Started: 2023-11-14T22:13:20.500Z\n');
  expect(statusz.body).toContain('Version: 1.2.3\n');
  expect(statusz.body).toMatch(/\nPaths: \/configz \/connections \/flagz .*\/statusz\n$/);
});

function debugOptions(over: Partial<DebugServerOptions> = {}): DebugServerOptions {
  return {
    host: '127.0.0.1',
    port: 0,
    mode: 'iptables',
    version: '1.2.3',
    configuration: () => ({}),
    flags: null,
    statusz: false,
    setVerbosity: null,
    registry: new Registry(),
    connections: async () => ({ mode: 'iptables', families: [], problems: [] }),
    status: () => ({ mode: 'iptables', synced: true, rows: [] }),
    startedAt: 0,
    clock: systemClock,
    report: ignore,
    ...over,
  };
}

test('/statusz and /flagz go with their feature gates', async () => {
  await using server = createDebugServer(debugOptions());
  await server.start();
  const port = server.bound[0]?.port ?? 0;
  expect((await ask('127.0.0.1', port, '/statusz')).status).toBe(404);
  expect((await ask('127.0.0.1', port, '/flagz')).status).toBe(404);
});

test('/metrics/slis tells of the answers of /healthz', async () => {
  await using server = createDebugServer(debugOptions());
  await server.start();
  const get = (path: string): ReturnType<typeof ask> => ask('127.0.0.1', server.bound[0]?.port ?? 0, path);
  expect((await get('/metrics/slis')).body).toBe('');
  await get('/healthz');
  await get('/healthz');
  expect(parseExposition((await get('/metrics/slis')).body).samples).toEqual([
    { name: 'kubernetes_healthcheck', labels: { name: 'ping', type: 'healthz' }, value: 1 },
    { name: 'kubernetes_healthchecks_total', labels: { name: 'ping', status: 'success', type: 'healthz' }, value: 2 },
  ]);
});

test('a page that throws is a 500 and a problem, and the server goes on', async () => {
  const problems: string[] = [];
  const status = (): StatusReport => {
    throw new Error('boom');
  };
  await using server = createDebugServer(debugOptions({ status, report: ({ code }) => problems.push(code) }));
  await server.start();
  const port = server.bound[0]?.port ?? 0;
  expect((await ask('127.0.0.1', port, '/services')).status).toBe(500);
  expect(problems).toEqual(['WP_OBSERVE_PAGE']);
  expect((await ask('127.0.0.1', port, '/healthz')).status).toBe(200);
});

describe('[SP-136] /debug', () => {
  const paths = ['/debug/pprof/', '/debug/pprof/profile', '/debug/pprof/heap', '/debug/flags/v'];

  test('does not exist without enableProfiling', async () => {
    await using server = createDebugServer(debugOptions());
    await server.start();
    for (const path of paths) expect((await ask('127.0.0.1', server.bound[0]?.port ?? 0, path, 'PUT')).status).toBe(404);
  });

  test('with it: PUT of a level changes the log, anything else is refused', async () => {
    const levels: number[] = [];
    await using server = createDebugServer(debugOptions({ setVerbosity: (level) => levels.push(level) }));
    await server.start();
    const put = async (body: string, method = 'PUT'): Promise<number> => {
      const url = `http://127.0.0.1:${server.bound[0]?.port}/debug/flags/v`;
      const answer = await fetch(url, { method, ...(method === 'PUT' ? { body } : {}), headers: { connection: 'close' } });
      await answer.text();
      return answer.status;
    };
    expect(await put('6')).toBe(200);
    expect(await put('4\n')).toBe(200);
    expect(levels).toEqual([6, 4]);
    for (const body of ['', '-1', 'loud', '1.5', '9'.repeat(10_000)]) expect(await put(body)).toBe(400);
    expect(await put('', 'GET')).toBe(405);
    expect(levels).toEqual([6, 4]);
  });

  test('with it: a CPU profile that DevTools can read, one at a time; what Node has none of is said', async () => {
    const clock = new FakeClock(0);
    await using server = createDebugServer(debugOptions({ setVerbosity: ignore, clock }));
    await server.start();
    const get = (path: string): ReturnType<typeof ask> => ask('127.0.0.1', server.bound[0]?.port ?? 0, path);
    expect((await get('/debug/pprof/heap')).status).toBe(501);
    for (const seconds of ['0', 'x', '301']) expect((await get(`/debug/pprof/profile?seconds=${seconds}`)).status).toBe(400);
    const recording = get('/debug/pprof/profile?seconds=2');
    await vi.waitFor(() => expect(clock.waiting).toBe(1), { timeout: 10_000 });
    expect((await get('/debug/pprof/profile?seconds=2')).status).toBe(503);
    clock.advance(2000);
    const { status, body } = await recording;
    expect(status).toBe(200);
    const profile = JSON.parse(body) as { nodes: unknown[]; startTime: number; endTime: number };
    expect(profile.nodes.length).toBeGreaterThan(0);
    expect(profile.endTime).toBeGreaterThan(profile.startTime);
  });
});
